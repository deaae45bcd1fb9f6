// A phone on disk: JSON with base64 values, version 1. The file holds private keys: it belongs to the sandbox's own state
// file and to nothing else. What can be asked for again (device lists, open questions) is not kept.

#include <boost/json.hpp>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "sandbox/phone_state.h"

namespace wharf::sandbox {

namespace json = boost::json;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

constexpr int version = 1;
constexpr std::size_t kept_sent = 500;  // acknowledged ones; those without an ack are all kept

// --- writing

json::string base64(ByteView bytes) { return json::string(protocol::to_base64(bytes)); }
json::string secret(const protocol::KeyPair& pair) { return base64(pair.secret.view()); }

std::string text_of(const DeviceKey& key) { return key.phone + ":" + std::to_string(key.device); }

// --- reading: anything out of shape throws, load() turns it into one error

[[noreturn]] void damaged(std::string_view what) { throw std::invalid_argument(std::string(what)); }

Bytes bytes_of(const json::value& value) {
  const auto bytes = protocol::from_base64(value.as_string());
  if (!bytes) damaged("base64");
  return *bytes;
}
template <std::size_t N>
std::array<std::uint8_t, N> array_of(const json::value& value) {
  const auto array = protocol::exactly<N>(bytes_of(value));
  if (!array) damaged("a key of another length");
  return *array;
}
protocol::KeyPair pair_of(const json::value& value) { return protocol::KeyPair::from_secret(array_of<32>(value)); }
std::string string_of(const json::value& value) { return std::string(value.as_string()); }
template <class Number>
Number number_of(const json::value& value) {
  return value.to_number<Number>();
}
DeviceKey device_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  std::uint16_t device = 0;
  if (colon == std::string_view::npos) damaged("a device name");
  const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), device);
  if (error != std::errc() || end != text.data() + text.size()) damaged("a device name");
  return {std::string(text.substr(0, colon)), device};
}
template <class Number>
Number name_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) damaged("a number");
  return number;
}
std::optional<Node> node_of(const json::value& value) {
  const auto node = protocol::decode_node(bytes_of(value));
  if (!node) damaged("a stanza");
  return *node;
}

// --- messages

json::object to_json(const PhoneMessage& message, const PhoneLog::Behind& behind) {
  json::array mentions;
  for (const std::string& mention : message.mentions) mentions.emplace_back(mention);
  return {{"id", message.id},           {"fromMe", message.from_me},    {"device", message.device},
          {"chat", message.chat},       {"author", message.author},     {"kind", message.kind},
          {"text", message.text},       {"quoted", message.quoted_id},  {"mentions", std::move(mentions)},
          {"t", message.timestamp},     {"status", message.status},     {"failure", message.failure},
          {"encoded", base64(behind.encoded)}, {"form", behind.chat.empty() ? "" : behind.chat.to_string()},
          {"unread", behind.unread}};
}

void put_message(PhoneLog& log, const json::object& o) {
  PhoneMessage message;
  message.id = string_of(o.at("id"));
  message.from_me = o.at("fromMe").as_bool();
  message.device = number_of<std::uint16_t>(o.at("device"));
  message.chat = string_of(o.at("chat"));
  message.author = string_of(o.at("author"));
  message.kind = string_of(o.at("kind"));
  message.text = string_of(o.at("text"));
  message.quoted_id = string_of(o.at("quoted"));
  for (const json::value& mention : o.at("mentions").as_array()) message.mentions.push_back(string_of(mention));
  message.timestamp = number_of<std::int64_t>(o.at("t"));
  message.status = string_of(o.at("status"));
  message.failure = string_of(o.at("failure"));
  PhoneLog::Behind behind;
  behind.encoded = bytes_of(o.at("encoded"));
  if (const auto form = Jid::parse(o.at("form").as_string())) behind.chat = *form;
  behind.unread = o.at("unread").as_bool();
  log.put(std::move(message), std::move(behind));
}

json::object to_json(const SentMessage& message) {
  json::array addressed;
  for (const DeviceKey& device : message.addressed) addressed.emplace_back(text_of(device));
  json::object o{{"id", message.id},
                 {"chat", message.chat},
                 {"encoded", base64(message.encoded)},
                 {"secret", base64(message.secret)},
                 {"type", message.type},
                 {"mediaType", message.media_type},
                 {"addressed", std::move(addressed)},
                 {"completed", message.completed_fan_out},
                 {"acked", message.acked}};
  if (message.peer_device) o["peer"] = *message.peer_device;
  if (!message.acked && !message.stanza.tag.empty()) o["stanza"] = base64(protocol::encode_node(message.stanza));
  return o;
}

SentMessage sent_of(const json::object& o) {
  SentMessage message;
  message.id = string_of(o.at("id"));
  message.chat = string_of(o.at("chat"));
  message.encoded = bytes_of(o.at("encoded"));
  message.secret = array_of<32>(o.at("secret"));
  message.type = string_of(o.at("type"));
  message.media_type = string_of(o.at("mediaType"));
  for (const json::value& device : o.at("addressed").as_array()) message.addressed.insert(device_of(device.as_string()));
  message.completed_fan_out = o.at("completed").as_bool();
  message.acked = o.at("acked").as_bool();
  if (const json::value* peer = o.if_contains("peer")) message.peer_device = number_of<std::uint16_t>(*peer);
  if (const json::value* stanza = o.if_contains("stanza")) message.stanza = *node_of(*stanza);
  return message;
}

}  // namespace

Bytes Phone::save() const {
  const State& s = *state_;
  json::object o{{"version", version},
                 {"identity", secret(s.local.identity)},
                 {"registrationId", s.local.registration_id},
                 {"nextKeyId", s.next_key_id},
                 {"rawId", s.raw_id},
                 {"lastKeyIndex", s.last_key_index},
                 {"lastAdvTime", s.last_adv_time},
                 {"powered", s.powered},
                 {"delivering", s.delivering},
                 {"autoRead", s.auto_read}};
  json::object signed_keys, one_time_keys, sessions, account_keys, linked;
  for (const auto& [id, key] : s.signed_keys) {
    signed_keys[std::to_string(id)] = json::array{secret(key.pair), base64(key.signature)};
  }
  for (const auto& [id, key] : s.one_time_keys) one_time_keys[std::to_string(id)] = secret(key.pair);
  for (const auto& [device, record] : s.sessions) sessions[text_of(device)] = base64(record.serialize());
  for (const auto& [phone, key] : s.account_keys) account_keys[phone] = base64(key);
  for (const auto& [device, companion] : s.linked) {
    linked[std::to_string(device)] = json::array{json::value(companion.key_index), base64(companion.identity)};
  }
  o["signedKeys"] = std::move(signed_keys);
  o["oneTimeKeys"] = std::move(one_time_keys);
  o["sessions"] = std::move(sessions);
  o["accountKeys"] = std::move(account_keys);
  o["linked"] = std::move(linked);

  json::array waiting, messages, sent, queues, withheld;
  for (const std::uint16_t device : s.waiting_bootstraps) waiting.emplace_back(device);
  for (std::size_t i = 0; i < s.log.messages().size(); ++i) {
    messages.push_back(to_json(s.log.messages()[i], s.log.behind()[i]));
  }
  const std::size_t skipped = s.sent_order.size() > kept_sent ? s.sent_order.size() - kept_sent : 0;
  for (std::size_t i = 0; i < s.sent_order.size(); ++i) {
    const auto message = s.sent.find(s.sent_order[i]);
    if (message != s.sent.end() && (i >= skipped || !message->second.acked)) sent.push_back(to_json(message->second));
  }
  for (const auto& [chat, queue] : s.queues) {
    json::array ids;
    for (const std::string& id : queue.ids) ids.emplace_back(id);
    queues.push_back(json::array{json::value(chat), std::move(ids)});
  }
  for (const Node& receipt : s.withheld) withheld.push_back(base64(protocol::encode_node(receipt)));
  o["waitingBootstraps"] = std::move(waiting);
  o["messages"] = std::move(messages);
  o["sent"] = std::move(sent);
  o["queues"] = std::move(queues);
  o["withheld"] = std::move(withheld);
  if (s.app_state_key) {
    o["appStateKey"] = json::array{base64(s.app_state_key->key_id), base64(s.app_state_key->key_data),
                                   json::value(s.app_state_key->timestamp)};
  }
  if (s.auto_reply) o["autoReply"] = json::array{json::value(s.auto_reply->contains), json::value(s.auto_reply->text)};
  return protocol::to_bytes(json::serialize(o));
}

void Phone::State::read_snapshot(ByteView saved) {
  const json::value document = json::parse(protocol::as_text(saved));
  const json::object& o = document.as_object();
  if (number_of<int>(o.at("version")) != version) throw UnsupportedSnapshot();
  local.identity = pair_of(o.at("identity"));
  local.registration_id = number_of<std::uint32_t>(o.at("registrationId"));
  next_key_id = number_of<protocol::PreKeyId>(o.at("nextKeyId"));
  raw_id = number_of<std::uint32_t>(o.at("rawId"));
  last_key_index = number_of<std::uint32_t>(o.at("lastKeyIndex"));
  last_adv_time = number_of<std::uint64_t>(o.at("lastAdvTime"));
  delivering = o.at("delivering").as_bool();
  auto_read = o.at("autoRead").as_bool();
  for (const auto& [id, key] : o.at("signedKeys").as_object()) {
    const auto number = name_number<protocol::PreKeyId>(id);
    signed_keys[number] = {number, pair_of(key.as_array().at(0)), array_of<64>(key.as_array().at(1))};
  }
  if (signed_keys.empty()) damaged("no signed prekey");
  for (const auto& [id, key] : o.at("oneTimeKeys").as_object()) {
    const auto number = name_number<protocol::PreKeyId>(id);
    one_time_keys[number] = {number, pair_of(key)};
  }
  for (const auto& [device, blob] : o.at("sessions").as_object()) {
    auto record = protocol::SessionRecord::parse(bytes_of(blob));
    if (!record) damaged("a session");
    sessions[device_of(device)] = std::move(*record);
  }
  for (const auto& [phone, key] : o.at("accountKeys").as_object()) account_keys[phone] = array_of<32>(key);
  for (const auto& [device, companion] : o.at("linked").as_object()) {
    linked[name_number<std::uint16_t>(device)] = {number_of<std::uint32_t>(companion.as_array().at(0)),
                                                  array_of<32>(companion.as_array().at(1))};
  }
  for (const json::value& device : o.at("waitingBootstraps").as_array()) {
    waiting_bootstraps.insert(number_of<std::uint16_t>(device));
  }
  for (const json::value& message : o.at("messages").as_array()) put_message(log, message.as_object());
  for (const json::value& message : o.at("sent").as_array()) {
    SentMessage kept = sent_of(message.as_object());
    // What had left before the snapshot is sent again as it was; what had not is in a queue.
    if (!kept.acked && !kept.stanza.tag.empty()) unacked.insert(kept.id);
    keep_sent(std::move(kept));
  }
  for (const json::value& queue : o.at("queues").as_array()) {
    ChatQueue& restored = queues[string_of(queue.as_array().at(0))];
    for (const json::value& id : queue.as_array().at(1).as_array()) restored.ids.push_back(string_of(id));
  }
  for (const json::value& receipt : o.at("withheld").as_array()) withheld.push_back(*node_of(receipt));
  if (const json::value* key = o.if_contains("appStateKey")) {
    app_state_key.emplace();
    app_state_key->key_id = array_of<6>(key->as_array().at(0));
    app_state_key->key_data = array_of<32>(key->as_array().at(1));
    app_state_key->timestamp = number_of<std::int64_t>(key->as_array().at(2));
  }
  if (const json::value* rule = o.if_contains("autoReply")) {
    auto_reply = AutoReply{string_of(rule->as_array().at(0)), string_of(rule->as_array().at(1))};
  }
  if (o.at("powered").as_bool()) start_powered = true;
}

Result<std::unique_ptr<Phone>> Phone::load(Network& network, Account& account, ByteView saved,
                                           std::shared_ptr<Worker> worker) {
  std::unique_ptr<Phone> phone(new Phone(network, account, std::move(worker), FromSnapshot{}));
  try {
    phone->state_->read_snapshot(saved);
  } catch (const UnsupportedSnapshot&) {
    return Error(Errc::unsupported, "the saved phone comes from a newer version");
  } catch (const std::exception& failure) {  // Boost.JSON's accessors report by exception
    return Error(Errc::malformed, std::string("the saved phone is damaged: ") + failure.what());
  }
  if (!account.devices[0].has_keys) phone->state_->publish_keys();
  if (phone->state_->start_powered) phone->state_->power_on();
  return phone;
}

}  // namespace wharf::sandbox
