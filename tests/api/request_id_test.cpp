#include "api/request_id.h"

#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::api;

TEST_CASE("a request id is one bounded word that frames nothing") {
  for (const std::string& good : {std::string("a"), std::string("trace-1:a.b_c"), std::string(128, 'x')})
    CHECK(is_request_id(good));
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string("a\r\nb"), std::string("a\0b", 3), std::string("<a>"),
        std::string("a=b"), std::string("\xc3\xa9"), std::string(129, 'x')}) {
    INFO(bad);
    CHECK_FALSE(is_request_id(bad));
  }
}
