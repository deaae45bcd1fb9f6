// Events: values with whatever bytes a peer could have put into them become JSON that parses and says the same when it
// is read back, and `data` of the event log, damaged, is refused or is rendered as JSON in both dialects.

#include <boost/json/parse.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/dialect.h"
#include "events/codec.h"
#include "events/event.h"
#include "sessions/config_json.h"

using namespace wharf;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void check_json(std::string_view text) {
  boost::system::error_code failed;
  boost::json::parse(text, failed);
  check(!failed);
}

/// What is decoded is written again as something that says the same, and both dialects have a text for it; what is
/// refused has one too.
void check_read(const std::string& name, const std::string& data) {
  storage::Event event;
  event.id = 1;
  event.session_name = "s";
  event.name = name;
  event.data = data;
  const auto told = events::decode(name, data);
  if (told) {
    const auto again = events::decode(name, events::encode(*told));
    check(again.has_value());
    // Numbers with a fraction, which only kinds of later builds can have, may lose their last digit.
    check(again->fact == told->fact || std::holds_alternative<events::Unknown>(told->fact));
  }
  for (const auto dialect : {api::Dialect::openwa, api::Dialect::gateway})
    check_json(api::event_text(event, told ? &*told : nullptr, dialect,
                               [](const std::string&) { return std::string("data:,"); }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr const char* names[] = {"message",        "message.sent",    "ack",          "qr",         "ready",
                                          "session.status", "contact.updated", "disconnected", "future.kind"};
  if (size < 4) return 0;
  const std::string name = names[data[0] % std::size(names)];
  const std::string text(reinterpret_cast<const char*>(data + 3), size - 3);
  if (data[1] % 2 == 0) {
    check_read(name, text);
    if (const auto reason = events::decode_reason(text)) check_json(events::encode(*reason));
    sessions::parse_config(text);
    return 0;
  }
  events::NewMessage told;
  events::Message& message = told.message;
  message.chat = message.author = protocol::Jid("15550000002", "s.whatsapp.net");
  const std::size_t cut = data[2] % text.size();
  message.id = text.substr(0, cut);
  message.push_name = message.body = text.substr(cut);
  message.quoted_id = text;
  message.kind = "text";
  const std::string json = events::encode(told);
  check_json(json);
  check(events::decode("message", json).has_value());
  check_read("message", json);
  return 0;
}
