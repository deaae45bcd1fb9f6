#include "web/byte_range.h"

#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::web;

namespace {

net::HttpRequest with(std::vector<std::pair<std::string, std::string>> headers) {
  net::HttpRequest out;
  out.method = "GET";
  out.headers = std::move(headers);
  return out;
}

std::string header(const net::HttpResponse& response, const std::string& name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return {};
}

}  // namespace

TEST_CASE("one range is answered, and whatever is none is the whole") {
  struct Row {
    const char* range;
    unsigned status;
    std::uint64_t first, last;
  };
  const Row rows[] = {
      {"", 200, 0, 99},
      {"bytes=0-0", 206, 0, 0},
      {"Bytes=10-", 206, 10, 99},
      {"bytes=90-1000", 206, 90, 99},
      {"bytes=-10", 206, 90, 99},
      {"bytes=-1000", 206, 0, 99},
      {"bytes=99-99", 206, 99, 99},
      {"bytes=100-", 416, 0, 0},
      {"bytes=100-200", 416, 0, 0},
      {"bytes=-0", 416, 0, 0},
      {"bytes=5-4", 200, 0, 99},
      {"bytes=", 200, 0, 99},
      {"bytes=-", 200, 0, 99},
      {"bytes=--1", 200, 0, 99},
      {"bytes=+1-2", 200, 0, 99},
      {"bytes= 1-2", 200, 0, 99},
      {"bytes=1-2,4-5", 200, 0, 99},
      {"bytes=a-b", 200, 0, 99},
      {"lines=1-2", 200, 0, 99},
      {"bytes=99999999999999999999-", 200, 0, 99},
  };
  for (const Row& row : rows) {
    INFO(row.range);
    const RangeAnswer answer = answer_range(row.range, 100);
    CHECK(answer.status == row.status);
    CHECK(answer.first == row.first);
    CHECK(answer.last == row.last);
    CHECK(answer.length() == (row.status == 416 ? 0 : row.last - row.first + 1));
  }
}

TEST_CASE("who has the version already gets nothing, by any of the ways to say it") {
  const std::string etag = "\"a,b\"";
  for (const char* list : {"\"a,b\"", "W/\"a,b\"", "\"x\", \"a,b\"", "\"x\",,W/\"a,b\" , \"y\"", "*"}) {
    INFO(list);
    CHECK(answer_file(with({{"if-none-match", list}, {"range", "bytes=0-1"}}), etag, 100).status == 304);
  }
  for (const char* list : {"", "\"a\"", "a,b", "\"a", "\"x\" \"a,b\"", "w/\"a,b\""}) {
    INFO(list);
    CHECK(answer_file(with({{"if-none-match", list}, {"range", "bytes=0-1"}}), etag, 100).status == 206);
  }
}

TEST_CASE("a range of another version is the whole of this one") {
  const std::string etag = "\"v2\"";
  CHECK(answer_file(with({{"if-range", "\"v2\""}, {"range", "bytes=0-1"}}), etag, 100).status == 206);
  for (const char* version : {"\"v1\"", "W/\"v2\"", "Wed, 21 Oct 2015 07:28:00 GMT", ""}) {
    INFO(version);
    const RangeAnswer answer = answer_file(with({{"if-range", version}, {"range", "bytes=0-1"}}), etag, 100);
    CHECK(answer.status == 200);
    CHECK(answer.length() == 100);
  }
}

TEST_CASE("the headers say which bytes these are") {
  net::HttpResponse part, none, whole;
  add_range_headers(part, answer_range("bytes=10-19", 100), "\"e\"", 100);
  CHECK(header(part, "Content-Range") == "bytes 10-19/100");
  CHECK(header(part, "ETag") == "\"e\"");
  CHECK(header(part, "Accept-Ranges") == "bytes");
  add_range_headers(none, answer_range("bytes=100-", 100), "\"e\"", 100);
  CHECK(header(none, "Content-Range") == "bytes */100");
  add_range_headers(whole, answer_range("", 100), "\"e\"", 100);
  CHECK(header(whole, "Content-Range").empty());
}
