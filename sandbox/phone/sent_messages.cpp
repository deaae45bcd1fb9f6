#include "sandbox/phone/sent_messages.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

/// 0 for a status that is none of a sent message's.
int rank(std::string_view status) {
  if (status == "pending") return 1;
  if (status == "server") return 2;
  if (status == "delivered") return 3;
  if (status == "read") return 4;
  return 0;
}

json::object to_json(const SentMessage& message) {
  json::array addressed;
  for (const DeviceKey& device : message.addressed) addressed.emplace_back(text_of(device));
  json::object o{{"id", message.id},
                 {"chat", message.chat},
                 {"encoded", base64_value(message.encoded)},
                 {"secret", base64_value(message.secret)},
                 {"addressed", std::move(addressed)},
                 {"completed", message.completed_fan_out},
                 {"acked", message.acked},
                 {"queued", message.queued},
                 {"owes", message.owes_fan_out},
                 {"order", message.order}};
  if (!message.upload.empty()) o["upload"] = base64_value(message.upload);
  if (message.peer_device) o["peer"] = *message.peer_device;
  if (const auto& shared = message.shared) {
    json::array given;
    for (const DeviceKey& device : shared->given) given.emplace_back(text_of(device));
    o["shared"] = json::object{{"message", base64_value(shared->message)},
                               {"distribution", base64_value(shared->distribution)},
                               {"key", shared->key},
                               {"given", std::move(given)}};
  }
  if (message.readdressed) o["readdressed"] = true;
  if (!message.audience.empty()) {
    json::array audience;
    for (const std::string& phone : message.audience) audience.emplace_back(phone);
    o["audience"] = std::move(audience);
  }
  if (!message.acked && !message.stanza.tag.empty()) o["stanza"] = base64_value(protocol::encode_node(message.stanza));
  return o;
}

SentMessage sent_of(const json::object& o) {
  SentMessage message;
  message.id = string_of(o.at("id"));
  message.chat = string_of(o.at("chat"));
  message.encoded = bytes_of(o.at("encoded"));
  message.secret = array_of<32>(o.at("secret"));
  for (const json::value& device : o.at("addressed").as_array())
    message.addressed.insert(device_of(device.as_string()));
  message.completed_fan_out = o.at("completed").as_bool();
  message.acked = o.at("acked").as_bool();
  message.queued = o.at("queued").as_bool();
  message.owes_fan_out = o.at("owes").as_bool();
  message.order = number_of<std::uint64_t>(o.at("order"));
  if (const json::value* upload = o.if_contains("upload")) message.upload = bytes_of(*upload);
  if (const json::value* peer = o.if_contains("peer")) message.peer_device = number_of<std::uint16_t>(*peer);
  if (const json::value* stanza = o.if_contains("stanza")) message.stanza = stanza_of(bytes_of(*stanza));
  if (const json::value* found = o.if_contains("shared")) {
    const auto& shared = found->as_object();
    message.shared = SentMessage::Shared{bytes_of(shared.at("message")),
                                         bytes_of(shared.at("distribution")),
                                         number_of<std::uint32_t>(shared.at("key")),
                                         {}};
    for (const json::value& device : shared.at("given").as_array())
      message.shared->given.insert(device_of(device.as_string()));
  }
  message.readdressed = o.contains("readdressed");
  if (const json::value* audience = o.if_contains("audience")) {
    for (const json::value& phone : audience->as_array()) message.audience.insert(string_of(phone));
  }
  return message;
}

}  // namespace

void SentMessages::keep(SentMessage message) {
  order_.push_back(message.id);
  const std::string id = message.id;
  last_order_ = message.order = std::max(message.order, last_order_ + 1);
  messages_[id] = std::move(message);
  changed(id);
  while (order_.size() > max_sent) {
    const auto oldest = messages_.find(order_.front());
    // One that waits for its ack or its turn is not forgotten; the queue is only as long as the tester makes it.
    if (oldest != messages_.end() && !oldest->second.done()) break;
    changed(order_.front());
    if (oldest != messages_.end()) messages_.erase(oldest);
    order_.pop_front();
  }
}

SentMessage* SentMessages::find(const std::string& id) {
  const auto found = messages_.find(id);
  return found == messages_.end() ? nullptr : &found->second;
}

std::vector<std::string> SentMessages::owing_fan_out() const {
  std::vector<std::string> owing;
  for (const auto& [id, message] : messages_) {
    if (message.owes_fan_out) owing.push_back(id);
  }
  return owing;
}

void SentMessages::raise(std::string_view id, std::string_view status, std::string_view failure) {
  PhoneMessage* message = log_.find(c_.account.phone, id);
  // A companion's message that could not be read stays failed until its resend is: that one is what is shown.
  if (message == nullptr || !message->from_me || message->status == "failed") return;
  if (status != "error" && rank(status) <= rank(message->status)) return;
  if (status == "error" && rank(message->status) > rank("pending")) return;
  message->status = status;
  message->failure = failure;
  if (status == "error" && message->media && message->media->state == "loading") {
    message->media->state = "failed";
    message->media->failure = failure;
  }
  log_.touch(c_.account.phone, id);
  if (status == "error") on_answered(std::string(id));
}

void SentMessages::raise_with(std::string_view id, const std::string& member, std::string_view status) {
  PhoneMessage* message = log_.find(c_.account.phone, id);
  if (message == nullptr) return;
  const auto known = message->recipients.find(member);
  if (known == message->recipients.end() || rank(known->second) >= rank(status)) return;
  known->second = status;
  log_.touch(c_.account.phone, id);
  const auto least = std::min_element(message->recipients.begin(), message->recipients.end(),
                                      [](const auto& a, const auto& b) { return rank(a.second) < rank(b.second); });
  if (rank(least->second) > 0) raise(id, std::string(least->second));
}

void SentMessages::abandon(std::string_view why) {
  for (const auto& [id, message] : std::exchange(messages_, {})) {
    changed(id);
    // Nothing sends it any more, and no ack is waited for.
    raise(id, "error", why);
  }
  order_.clear();
}

// --- rows

std::optional<Bytes> SentMessages::row(const std::string& id) const {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return std::nullopt;
  return packed(to_json(found->second));
}

void SentMessages::restore(ByteView row) {
  SentMessage message = sent_of(unpacked(row));
  std::string id = message.id;
  messages_[std::move(id)] = std::move(message);
}

std::vector<const SentMessage*> SentMessages::restored() {
  std::map<std::uint64_t, const SentMessage*> by_order;
  for (const auto& [id, message] : messages_) by_order[message.order] = &message;
  std::vector<const SentMessage*> all;
  for (const auto& [order, message] : by_order) {
    last_order_ = order;
    order_.push_back(message->id);
    all.push_back(message);
  }
  return all;
}

}  // namespace wharf::sandbox
