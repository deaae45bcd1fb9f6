// Control API: what a phone says and what it shows.

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "sandbox/control_call.h"

namespace wharf::sandbox {

namespace json = boost::json;
using protocol::Result;

namespace {

constexpr std::int64_t default_page = 100, largest_page = 5'000;

/// Kinds of content that the contract names and this phone does not send.
constexpr std::string_view unsupported_contents[] = {"media",    "image",   "video", "audio", "voice",
                                                     "document", "sticker", "poll",  "vote",  "reaction",
                                                     "location", "contact", "edit",  "revoke"};

json::object to_json(const PhoneMessage& message) {
  json::array mentions;
  for (const std::string& mention : message.mentions) mentions.emplace_back(mention);
  json::object out{{"id", message.id},     {"fromMe", message.from_me},      {"device", message.device},
                   {"chat", message.chat}, {"author", message.author},       {"kind", message.kind},
                   {"text", message.text}, {"timestamp", message.timestamp}, {"status", message.status}};
  out["quoted"] = message.quoted_id.empty() ? json::value(nullptr) : json::value(message.quoted_id);
  out["mentions"] = std::move(mentions);
  if (!message.failure.empty()) out["failure"] = message.failure;
  return out;
}

}  // namespace

void not_implemented(ControlCall& call) {
  call.fail(501, "NOT_IMPLEMENTED",
            "the simulated phones do not do this yet: they exchange text, receipts and chat state");
}

void send_message(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  for (const std::string_view kind : unsupported_contents) {
    if (call.body.if_contains(kind) != nullptr) {
      return call.fail(501, "NOT_IMPLEMENTED", "the simulated phones send text only, not " + std::string(kind));
    }
  }
  BodyFields fields = call.fields();
  Phone::Send message;
  message.to = fields.text("to", 128);
  message.text = fields.text("text");
  message.quoted_id = fields.optional_text("quoted", 128).value_or("");
  message.mentions = fields.optional_texts("mentions");
  if (!fields.valid()) return call.invalid(fields);
  const Result<std::string> id = phone->send(std::move(message));
  if (!id) return call.fail(id.error());
  call.succeed(json::object{{"id", *id}}, 202);
}

void list_messages(ControlCall& call) {
  const Phone* phone = call.phone();
  if (phone == nullptr) return;
  const auto limit = call.query_number("limit", default_page, 1, largest_page);
  if (!limit) return;
  std::string chat;
  if (const auto given = call.query.find("chat"); given != call.query.end()) {
    const auto digits = normalise_phone(std::string_view(given->second).substr(0, given->second.find('@')));
    if (!digits) {
      return call.fail(400, "VALIDATION_ERROR", "the query parameter chat is not valid",
                       json::object{{"chat", digits.error().detail}});
    }
    chat = *digits;
  }
  const std::vector<PhoneMessage>& all = phone->messages();
  std::size_t begin = 0;
  const auto after = call.query.find("after");
  if (after != call.query.end()) {
    const auto found =
        std::find_if(all.rbegin(), all.rend(), [&](const PhoneMessage& m) { return m.id == after->second; });
    if (found == all.rend()) return call.fail(404, "NOT_FOUND", "after: this phone has no such message");
    begin = static_cast<std::size_t>(all.rend() - found);
  }
  std::vector<const PhoneMessage*> chosen;
  for (std::size_t i = begin; i < all.size(); ++i) {
    if (chat.empty() || all[i].chat == chat) chosen.push_back(&all[i]);
  }
  // After an id the page goes on from there; without one it is the newest.
  const auto count = std::min(static_cast<std::size_t>(*limit), chosen.size());
  const std::size_t first = after != call.query.end() ? 0 : chosen.size() - count;
  json::array page;
  for (std::size_t i = first; i < first + count; ++i) page.push_back(to_json(*chosen[i]));
  call.succeed(std::move(page));
}

void mark_read(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  BodyFields fields = call.fields();
  const std::string chat = fields.text("chat", 128);
  const std::string id = fields.optional_text("id", 128).value_or("");
  if (!fields.valid()) return call.invalid(fields);
  const Result<std::size_t> count = phone->read(chat, id);
  if (!count) return call.fail(count.error());
  call.succeed(json::object{{"read", *count}});
}

void set_typing(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  BodyFields fields = call.fields();
  const std::string to = fields.phone("to");
  const std::string state = fields.text("state", 32);
  if (!state.empty() && state != "composing" && state != "paused")
    fields.problem("state", "must be composing or paused");
  if (!fields.valid()) return call.invalid(fields);
  if (call.network.find_account(std::string_view(to)) == nullptr)
    return call.fail(404, "NOT_FOUND", "to: nobody has this number");
  phone->typing(to, state == "composing");
  call.succeed(json::object{{"to", to}, {"state", state}});
}

void set_deliver(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  BodyFields fields = call.fields();
  const bool on = fields.flag("on");
  if (!fields.valid()) return call.invalid(fields);
  phone->deliver(on);
  call.succeed(json::object{{"on", on}});
}

void set_auto_reply(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  if (call.body.empty()) {  // null or {}: no rule
    phone->set_auto_reply(std::nullopt);
    return call.succeed(nullptr);
  }
  BodyFields fields = call.fields();
  Phone::AutoReply rule;
  rule.contains = fields.optional_text("contains", 1'024).value_or("");
  rule.text = fields.text("text");
  if (!fields.valid()) return call.invalid(fields);
  json::object result{{"contains", rule.contains}, {"text", rule.text}};
  phone->set_auto_reply(std::move(rule));
  call.succeed(std::move(result));
}

void set_auto_read(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  BodyFields fields = call.fields();
  const bool on = fields.flag("on");
  if (!fields.valid()) return call.invalid(fields);
  phone->set_auto_read(on);
  call.succeed(json::object{{"on", on}});
}

}  // namespace wharf::sandbox
