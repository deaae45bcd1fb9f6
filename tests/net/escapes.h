#pragma once
// Collects what net's guards report while it lives.

#include <string>
#include <vector>

#include "net/loop_guard.h"

namespace wharf::test {

class Escapes {
 public:
  Escapes() {
    net::on_escape([this](std::string_view where, std::string_view what) {
      seen.push_back(std::string(where) + ": " + std::string(what));
    });
  }
  ~Escapes() { net::on_escape(nullptr); }
  Escapes(const Escapes&) = delete;
  Escapes& operator=(const Escapes&) = delete;
  std::vector<std::string> seen;
};

}  // namespace wharf::test
