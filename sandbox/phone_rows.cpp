// A phone on disk, in rows: its core, messages and sent messages as JSON with base64 values, keys and sessions as
// bytes. They hold private keys: they belong to the sandbox's own state file and to nothing else. What can be asked for
// again (device lists, open questions, what the network still queues) is not kept.

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

// --- writing

json::string base64(ByteView bytes) { return json::string(protocol::to_base64(bytes)); }
json::string secret(const protocol::KeyPair& pair) { return base64(pair.secret.view()); }

Bytes packed(const json::object& object) { return protocol::to_bytes(json::serialize(object)); }

// --- reading: anything out of shape throws, Phone::restore() turns it into one error

[[noreturn]] void damaged(std::string_view what) { throw std::invalid_argument(std::string(what)); }

Bytes bytes_of(const json::value& value) {
  const auto bytes = protocol::from_base64(value.as_string());
  if (!bytes) damaged("base64");
  return *bytes;
}
template <std::size_t N>
std::array<std::uint8_t, N> array_of(ByteView bytes) {
  const auto array = protocol::exactly<N>(bytes);
  if (!array) damaged("a key of another length");
  return *array;
}
template <std::size_t N>
std::array<std::uint8_t, N> array_of(const json::value& value) {
  return array_of<N>(bytes_of(value));
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
Node node_of(const json::value& value) {
  const auto node = protocol::decode_node(bytes_of(value));
  if (!node) damaged("a stanza");
  return *node;
}

// --- messages

json::object to_json(const PhoneMessage& message, const PhoneLog::Behind& behind) {
  json::array mentions;
  for (const std::string& mention : message.mentions) mentions.emplace_back(mention);
  return {{"id", message.id},
          {"fromMe", message.from_me},
          {"device", message.device},
          {"chat", message.chat},
          {"author", message.author},
          {"kind", message.kind},
          {"text", message.text},
          {"quoted", message.quoted_id},
          {"mentions", std::move(mentions)},
          {"t", message.timestamp},
          {"status", message.status},
          {"failure", message.failure},
          {"encoded", base64(behind.encoded)},
          {"form", behind.chat.empty() ? "" : behind.chat.to_string()},
          {"unread", behind.unread}};
}

void restore_message(PhoneLog& log, std::uint64_t number, const json::object& o) {
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
  log.restore(number, std::move(message), std::move(behind));
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
                 {"acked", message.acked},
                 {"queued", message.queued},
                 {"owes", message.owes_fan_out},
                 {"order", message.order}};
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
  for (const json::value& device : o.at("addressed").as_array())
    message.addressed.insert(device_of(device.as_string()));
  message.completed_fan_out = o.at("completed").as_bool();
  message.acked = o.at("acked").as_bool();
  message.queued = o.at("queued").as_bool();
  message.owes_fan_out = o.at("owes").as_bool();
  message.order = number_of<std::uint64_t>(o.at("order"));
  if (const json::value* peer = o.if_contains("peer")) message.peer_device = number_of<std::uint16_t>(*peer);
  if (const json::value* stanza = o.if_contains("stanza")) message.stanza = node_of(*stanza);
  return message;
}

/// Presence and chat state are worth nothing later; questions are asked again by whoever needs the answer.
bool outlives_a_restart(const Node& stanza) { return stanza.is("message") || stanza.is("receipt") || stanza.is("ack"); }

}  // namespace

// --- rows out

std::optional<Bytes> Phone::row(const RowKey& key) const { return state_->row(key); }

std::optional<Bytes> Phone::State::row(const RowKey& key) const {
  const auto found_in = [&](const auto& map, const auto& name, const auto& bytes_of_entry) -> std::optional<Bytes> {
    const auto found = map.find(name);
    if (found == map.end()) return std::nullopt;
    return bytes_of_entry(found->second);
  };
  const auto number = [&key] { return number_in_row(key.name); };
  switch (key.kind) {
    case RowKind::phone: return packed(core());
    case RowKind::phone_session:
      return found_in(sessions, device_of(key.name), [](const auto& record) { return record.serialize(); });
    case RowKind::phone_key:
      return found_in(one_time_keys, static_cast<protocol::PreKeyId>(number()),
                      [](const auto& pre_key) { return protocol::to_bytes(pre_key.pair.secret.view()); });
    case RowKind::phone_account_key:
      return found_in(account_keys, key.name,
                      [](const auto& identity) { return protocol::to_bytes(ByteView(identity)); });
    case RowKind::phone_message: {
      const auto position = log.position(number());
      if (!position) return std::nullopt;
      return packed(to_json(log.messages()[*position], log.behind()[*position]));
    }
    case RowKind::phone_sent:
      return found_in(sent, key.name, [](const auto& message) { return packed(to_json(message)); });
    case RowKind::phone_withheld:
      return found_in(withheld, number(), [](const Node& receipt) { return protocol::encode_node(receipt); });
    case RowKind::phone_outbox: {
      Node list("outbox");
      for (const Node& stanza : outbox) {
        if (outlives_a_restart(stanza)) list.add(stanza);
      }
      if (list.children().empty()) return std::nullopt;
      return protocol::encode_node(list);
    }
    default: return std::nullopt;
  }
}

boost::json::object Phone::State::core() const {
  json::object o{{"identity", secret(local.identity)},
                 {"registrationId", local.registration_id},
                 {"nextKeyId", next_key_id},
                 {"rawId", raw_id},
                 {"lastKeyIndex", last_key_index},
                 {"lastAdvTime", last_adv_time},
                 {"powered", powered},
                 {"delivering", delivering},
                 {"autoRead", auto_read}};
  json::object signed_pairs, companions;
  for (const auto& [id, key] : signed_keys) {
    signed_pairs[std::to_string(id)] = json::array{secret(key.pair), base64(key.signature)};
  }
  for (const auto& [device, companion] : linked) {
    companions[std::to_string(device)] = json::array{json::value(companion.key_index), base64(companion.identity)};
  }
  json::array waiting;
  for (const std::uint16_t device : waiting_bootstraps) waiting.emplace_back(device);
  o["signedKeys"] = std::move(signed_pairs);
  o["linked"] = std::move(companions);
  o["waitingBootstraps"] = std::move(waiting);
  if (app_state_key) {
    o["appStateKey"] = json::array{base64(app_state_key->key_id), base64(app_state_key->key_data),
                                   json::value(app_state_key->timestamp)};
  }
  if (auto_reply) o["autoReply"] = json::array{json::value(auto_reply->contains), json::value(auto_reply->text)};
  return o;
}

// --- rows in

void Phone::State::restore_core(const boost::json::object& o) {
  local.identity = pair_of(o.at("identity"));
  local.registration_id = number_of<std::uint32_t>(o.at("registrationId"));
  next_key_id = number_of<protocol::PreKeyId>(o.at("nextKeyId"));
  raw_id = number_of<std::uint32_t>(o.at("rawId"));
  last_key_index = number_of<std::uint32_t>(o.at("lastKeyIndex"));
  last_adv_time = number_of<std::uint64_t>(o.at("lastAdvTime"));
  delivering = o.at("delivering").as_bool();
  auto_read = o.at("autoRead").as_bool();
  start_powered = o.at("powered").as_bool();
  for (const auto& [id, key] : o.at("signedKeys").as_object()) {
    const auto number = name_number<protocol::PreKeyId>(id);
    signed_keys[number] = {number, pair_of(key.as_array().at(0)), array_of<64>(key.as_array().at(1))};
  }
  if (signed_keys.empty()) damaged("no signed prekey");
  for (const auto& [device, companion] : o.at("linked").as_object()) {
    linked[name_number<std::uint16_t>(device)] = {number_of<std::uint32_t>(companion.as_array().at(0)),
                                                  array_of<32>(companion.as_array().at(1))};
  }
  for (const json::value& device : o.at("waitingBootstraps").as_array()) {
    waiting_bootstraps.insert(number_of<std::uint16_t>(device));
  }
  if (const json::value* key = o.if_contains("appStateKey")) {
    app_state_key.emplace();
    app_state_key->key_id = array_of<6>(key->as_array().at(0));
    app_state_key->key_data = array_of<32>(key->as_array().at(1));
    app_state_key->timestamp = number_of<std::int64_t>(key->as_array().at(2));
  }
  if (const json::value* rule = o.if_contains("autoReply")) {
    auto_reply = AutoReply{string_of(rule->as_array().at(0)), string_of(rule->as_array().at(1))};
  }
}

void Phone::State::restore(const RowKey& key, ByteView row) {
  const auto object = [row] { return json::parse(protocol::as_text(row)).as_object(); };
  const auto stanza = [row] {
    auto node = protocol::decode_node(row);
    if (!node) damaged("a stanza");
    return std::move(*node);
  };
  switch (key.kind) {
    case RowKind::phone: return restore_core(object());
    case RowKind::phone_session: {
      auto record = protocol::SessionRecord::parse(row);
      if (!record) damaged("a session");
      sessions[device_of(key.name)] = std::move(*record);
      return;
    }
    case RowKind::phone_key: {
      const auto id = static_cast<protocol::PreKeyId>(number_in_row(key.name));
      one_time_keys[id] = {id, protocol::KeyPair::from_secret(array_of<32>(row))};
      return;
    }
    case RowKind::phone_account_key: account_keys[key.name] = array_of<32>(row); return;
    case RowKind::phone_message: return restore_message(log, number_in_row(key.name), object());
    case RowKind::phone_sent: {
      SentMessage message = sent_of(object());
      sent[message.id] = std::move(message);
      return;
    }
    case RowKind::phone_withheld: withheld.emplace(number_in_row(key.name), stanza()); return;
    case RowKind::phone_outbox: {
      const Node list = stanza();
      outbox.insert(outbox.end(), list.children().begin(), list.children().end());
      return;
    }
    default: damaged("a row of an unknown kind");
  }
}

Result<void> Phone::restore(const RowKey& key, ByteView row) {
  try {
    state_->restore(key, row);
  } catch (const std::exception& failure) {  // Boost.JSON's accessors report by exception
    return Error(Errc::malformed, "state of the phone " + number() + ": " + failure.what());
  }
  return {};
}

void Phone::State::restored() {
  std::map<std::uint64_t, SentMessage*> by_order;
  for (auto& [id, message] : sent) by_order[message.order] = &message;
  for (const auto& [order, message] : by_order) {
    last_order = order;
    sent_order.push_back(message->id);
    // What had left is sent again as it was; what had not goes on waiting in its chat.
    if (message->queued) {
      queues[queue_of(*message)].ids.push_back(message->id);
    } else if (!message->acked && !message->stanza.tag.empty()) {
      unacked.insert(message->id);
    }
  }
  if (!account.devices[0].has_keys) publish_keys();
  if (start_powered) power_on();
}

void Phone::restored() { state_->restored(); }

}  // namespace wharf::sandbox
