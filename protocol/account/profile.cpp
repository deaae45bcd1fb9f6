#include "protocol/account/profile.h"

#include <algorithm>

#include "protocol/mex/fields.h"
#include "protocol/stanzas/iq_reading.h"
#include "protocol/stanzas/node_fields.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::string_view text_status_operation = "UpdateTextStatus";

}  // namespace

bool acceptable_about(std::string_view text) {
  std::size_t characters = 0;
  while (!text.empty()) {
    const int length = utf8_sequence_length(text);
    if (length < 0 || text.front() == '\0' || ++characters > max_about_characters) return false;
    text.remove_prefix(static_cast<std::size_t>(length));
  }
  return true;
}

Node set_about_iq(std::string_view id, std::string_view text) {
  return iq_set(id, "status").add(Node("status").text(text));
}

std::optional<std::string> read_about_change(const Node& iq) {
  const Node* status = is_request(iq, "set", "status") ? iq.child("status") : nullptr;
  if (status == nullptr || !acceptable_about(status->text())) return std::nullopt;
  return std::string(status->text());
}

MexRequest text_status_request(const OwnTextStatus& status) {
  Json input = Json::object().set("text", status.text);
  if (!status.emoji.empty()) input.set("emoji", Json::object().set("content", status.emoji));
  input.set_if("ephemeral_duration_sec", status.lasts_seconds);
  return {std::string(text_status_operation), Json::object().set("input", std::move(input))};
}

std::optional<OwnTextStatus> read_text_status_request(const MexRequest& request) {
  const Json& input = request.variables["input"];
  const auto text = input["text"].text();
  if (request.operation != text_status_operation || !text || !acceptable_about(*text)) return std::nullopt;
  return OwnTextStatus{std::string(*text), line_in(input["emoji"], "content", 64),
                       input["ephemeral_duration_sec"].number()};
}

bool acceptable_default_timer(std::uint32_t seconds) {
  return std::find(default_timers.begin(), default_timers.end(), seconds) != default_timers.end();
}

Node set_default_timer_iq(std::string_view id, std::uint32_t seconds) {
  return iq_set(id, "disappearing_mode").add(Node("disappearing_mode").set("duration", std::uint64_t{seconds}));
}

std::optional<std::uint32_t> read_default_timer_change(const Node& iq) {
  const Node* mode = is_request(iq, "set", "disappearing_mode") ? iq.child("disappearing_mode") : nullptr;
  const auto seconds = mode != nullptr ? expiration_attr(*mode, "duration") : std::nullopt;
  if (!seconds || !acceptable_default_timer(*seconds)) return std::nullopt;
  return seconds;
}

}  // namespace wharf::protocol
