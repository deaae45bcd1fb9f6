// Events: rows with whatever bytes a peer could have put into them become JSON that parses, and `data` of the event
// log, damaged, is rendered as JSON or refused, in both dialects.

#include <boost/json/parse.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/dialect.h"
#include "sessions/config_json.h"
#include "sessions/event_json.h"

using namespace wharf;

namespace {

void check_json(std::string_view text) {
  boost::system::error_code failed;
  boost::json::parse(text, failed);
  if (failed) std::abort();
}

void check_rendered(const std::string& name, const std::string& data) {
  storage::Event event;
  event.id = 1;
  event.session_name = "s";
  event.name = name;
  event.data = data;
  for (const auto dialect : {api::Dialect::openwa, api::Dialect::gateway}) {
    try {
      const auto text = api::event_text(event, dialect, [](const std::string&) { return std::string("data:,"); });
      check_json(text);
    } catch (const std::exception&) {
      // Refused: the reader of the log passes it over and says so.
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr const char* names[] = {"message",        "message.sent",   "ack", "qr", "ready",
                                          "session.status", "contact.updated"};
  if (size < 4) return 0;
  const std::string name = names[data[0] % std::size(names)];
  const std::string text(reinterpret_cast<const char*>(data + 3), size - 3);
  if (data[1] % 2 == 0) {
    check_rendered(name, text);
    if (const auto reason = sessions::parse_reason(text)) check_json(sessions::reason_json(*reason));
    sessions::parse_config(text);
    return 0;
  }
  storage::MessageRow row;
  row.chat = row.author = protocol::Jid("15550000002", "s.whatsapp.net");
  const std::size_t cut = data[2] % text.size();
  row.id = text.substr(0, cut);
  row.push_name = row.body = text.substr(cut);
  row.quoted_id = text;
  row.kind = "text";
  const std::string json = sessions::message_event_json(row, {}, {}, "");
  check_json(json);
  check_rendered("message", json);
  return 0;
}
