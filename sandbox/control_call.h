#pragma once
// Internal to the control API: one request on its way through a handler. Its body fields are read with a check each,
// and it is answered in the API's envelope.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_server.h"
#include "protocol/result.h"
#include "sandbox/network.h"
#include "sandbox/phones.h"
#include "sandbox/sandbox.h"

namespace wharf::sandbox {

/// Reads the members of a JSON body and remembers everything that was wrong with them.
class BodyFields {
 public:
  BodyFields(const boost::json::object& body, bool strict) : body_(body), strict_(strict) {}

  /// Required unless said otherwise. A problem gives an empty value.
  std::string text(std::string_view name, std::size_t max_bytes = 65'536);
  std::optional<std::string> optional_text(std::string_view name, std::size_t max_bytes = 65'536);
  std::vector<std::string> optional_texts(std::string_view name, std::size_t max_count = 1'024);
  bool flag(std::string_view name);
  std::int64_t integer(std::string_view name, std::int64_t least, std::int64_t most);
  /// A phone number in any spelling, as digits.
  std::string phone(std::string_view name);
  bool has(std::string_view name);
  void problem(std::string_view name, std::string_view what);

  /// The end of reading: with `strict` unknown members are problems too. True when there is none.
  bool valid();
  const boost::json::object& problems() const { return problems_; }

 private:
  const boost::json::value* member(std::string_view name);
  const boost::json::object& body_;
  bool strict_;
  std::vector<std::string> asked_;
  boost::json::object problems_;
};

struct ControlCall {
  Network& network;
  Phones& phones;
  const SandboxAddresses& addresses;
  const std::function<void(std::function<void()>)>& after_commit;  // of the ControlApi, which outlives the call
  std::map<std::string, std::string, std::less<>> path;            // {names} of the route
  std::map<std::string, std::string, std::less<>> query;
  boost::json::object body;
  std::string text;  // of a route with a text body
  net::Responder responder;

  BodyFields fields() const;
  /// A query member as a number within bounds; answers 400 and gives nullopt when it is none.
  std::optional<std::int64_t> query_number(std::string_view name, std::int64_t otherwise, std::int64_t least,
                                           std::int64_t most);

  void succeed(boost::json::value result, unsigned status = 200);
  void fail(unsigned status, std::string_view code, std::string_view message, boost::json::object details = {});
  /// 400 naming each bad field.
  void invalid(const BodyFields& fields);
  /// The status that belongs to the code.
  void fail(const protocol::Error& error);

  void answer(net::HttpResponse response);
  /// The phone of the path, or 404 and nullptr.
  Phone* phone();
};
using ControlHandler = void (*)(ControlCall& call);

boost::json::object envelope(boost::json::value result);
net::HttpResponse control_error(unsigned status, std::string_view code, std::string_view message,
                                boost::json::object details = {});

// --- control_phones.cpp
void create_phone(ControlCall& call);
void list_phones(ControlCall& call);
void show_phone(ControlCall& call);
void scan_qr_text(ControlCall& call);
void scan(ControlCall& call);
void enter_code(ControlCall& call);
void unlink_companions(ControlCall& call);
void set_power(ControlCall& call);
void forget_sessions(ControlCall& call);
void corrupt_sessions(ControlCall& call);
void reinstall(ControlCall& call);
void set_account(ControlCall& call);
// --- control_messages.cpp
void send_message(ControlCall& call);
void list_messages(ControlCall& call);
void mark_read(ControlCall& call);
void set_typing(ControlCall& call);
void set_deliver(ControlCall& call);
void set_auto_reply(ControlCall& call);
void set_auto_read(ControlCall& call);
void not_implemented(ControlCall& call);
// --- control_network.cpp
void show_network(ControlCall& call);
void show_faults(ControlCall& call);
void set_faults(ControlCall& call);
void release_faults(ControlCall& call);
void kick_device(ControlCall& call);
void show_stats(ControlCall& call);
void show_wire(ControlCall& call);
void advance_clock(ControlCall& call);
void drain_prekeys(ControlCall& call);

}  // namespace wharf::sandbox
