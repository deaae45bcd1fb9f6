#pragma once
// What Catch2 prints when an assertion about one of our values fails. Without it `REQUIRE(result)` does not compile:
// boost::system::result has an unconstrained operator<<. Needs no Catch2 header itself.

#include <boost/system/result.hpp>
#include <string>

#include "protocol/binary/node.h"
#include "protocol/result.h"

namespace Catch {

template <class T, class Enable>
struct StringMaker;

template <class T>
struct StringMaker<boost::system::result<T, wharf::protocol::Error>, void> {
  static std::string convert(const boost::system::result<T, wharf::protocol::Error>& result) {
    if (result) return "a value";
    return std::string(wharf::protocol::name(result.error().code)) + ": " + result.error().detail;
  }
};

template <>
struct StringMaker<wharf::protocol::Error, void> {
  static std::string convert(const wharf::protocol::Error& error) {
    return std::string(wharf::protocol::name(error.code)) + ": " + error.detail;
  }
};

template <>
struct StringMaker<wharf::protocol::Errc, void> {
  static std::string convert(wharf::protocol::Errc code) { return wharf::protocol::name(code); }
};

template <>
struct StringMaker<wharf::protocol::Jid, void> {
  static std::string convert(const wharf::protocol::Jid& jid) { return jid.to_string(); }
};

template <>
struct StringMaker<wharf::protocol::Node, void> {
  static std::string convert(const wharf::protocol::Node& node) { return wharf::protocol::summary(node, 2000); }
};

}  // namespace Catch
