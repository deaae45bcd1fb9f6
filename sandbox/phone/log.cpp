#include "sandbox/phone/log.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

std::string key_of(std::string_view author, std::string_view id) {
  std::string key(author);
  key += '/';
  key += id;
  return key;
}

json::object to_json(const PhoneMessage::Media& media) {
  return {{"kind", media.kind},   {"mimetype", media.mimetype}, {"fileName", media.file_name}, {"size", media.size},
          {"width", media.width}, {"height", media.height},     {"seconds", media.seconds},    {"sha256", media.sha256},
          {"state", media.state}, {"failure", media.failure}};
}

PhoneMessage::Media read_media(const json::object& o) {
  PhoneMessage::Media media;
  media.kind = string_of(o.at("kind"));
  media.mimetype = string_of(o.at("mimetype"));
  media.file_name = string_of(o.at("fileName"));
  media.size = number_of<std::uint64_t>(o.at("size"));
  media.width = number_of<std::uint32_t>(o.at("width"));
  media.height = number_of<std::uint32_t>(o.at("height"));
  media.seconds = number_of<std::uint32_t>(o.at("seconds"));
  media.sha256 = string_of(o.at("sha256"));
  media.state = string_of(o.at("state"));
  media.failure = string_of(o.at("failure"));
  return media;
}

json::object to_json(const PhoneMessage& message, const PhoneLog::Behind& behind) {
  json::array mentions;
  for (const std::string& mention : message.mentions) mentions.emplace_back(mention);
  json::array options;
  for (const std::string& option : message.options) options.emplace_back(option);
  json::object o{{"id", message.id},
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
                 {"target", message.target},
                 {"options", std::move(options)},
                 {"edited", message.edited},
                 {"revoked", message.revoked},
                 {"encoded", base64_value(behind.encoded)},
                 {"form", behind.chat.empty() ? "" : behind.chat.to_string()},
                 {"unread", behind.unread}};
  if (behind.edited_ms != 0) o["editedMs"] = behind.edited_ms;
  if (behind.timer_set_at != 0) o["timerSetAt"] = behind.timer_set_at;
  if (!behind.author.empty()) o["authorForm"] = behind.author.to_string();
  if (!message.recipients.empty()) {
    json::object recipients;
    for (const auto& [phone, status] : message.recipients) recipients[phone] = status;
    o["recipients"] = std::move(recipients);
  }
  if (message.media) o["media"] = to_json(*message.media);
  if (message.pinned) o["pinned"] = true;
  if (!message.answer.empty()) o["answer"] = message.answer;
  if (message.extra_guests != 0) o["extraGuests"] = message.extra_guests;
  if (message.starts_at != 0) o["startsAt"] = message.starts_at;
  if (message.cancelled) o["cancelled"] = true;
  if (message.album) o["album"] = json::array{message.album->images, message.album->videos};
  if (!message.album_id.empty()) o["albumId"] = message.album_id;
  if (message.expires_after != 0) o["expiresAfter"] = message.expires_after;
  if (message.invite)
    o["invite"] =
        json::array{message.invite->group, message.invite->code, message.invite->name, message.invite->expires_at};
  if (message.style)
    o["style"] = json::array{message.style->text_argb, message.style->background_argb, message.style->font};
  return o;
}

PhoneMessage read_message(const json::object& o) {
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
  if (const json::value* media = o.if_contains("media")) message.media = read_media(media->as_object());
  message.pinned = o.contains("pinned");
  if (const json::value* answer = o.if_contains("answer")) message.answer = string_of(*answer);
  if (const json::value* guests = o.if_contains("extraGuests"))
    message.extra_guests = number_of<std::uint32_t>(*guests);
  if (const json::value* starts = o.if_contains("startsAt")) message.starts_at = number_of<std::int64_t>(*starts);
  message.cancelled = o.contains("cancelled");
  if (const json::value* album = o.if_contains("album"))
    message.album = protocol::Album{number_of<std::uint32_t>(album->as_array().at(0)),
                                    number_of<std::uint32_t>(album->as_array().at(1))};
  if (const json::value* album_id = o.if_contains("albumId")) message.album_id = string_of(*album_id);
  if (const json::value* recipients = o.if_contains("recipients")) {
    for (const auto& [phone, status] : recipients->as_object())
      message.recipients[std::string(phone)] = string_of(status);
  }
  if (const json::value* stays = o.if_contains("expiresAfter"))
    message.expires_after = number_of<std::uint32_t>(*stays);
  if (const json::value* invite = o.if_contains("invite")) {
    const auto& said = invite->as_array();
    message.invite = protocol::GroupInvite{string_of(said.at(0)), string_of(said.at(1)), string_of(said.at(2)),
                                           number_of<std::int64_t>(said.at(3))};
  }
  if (const json::value* style = o.if_contains("style")) {
    const auto& numbers = style->as_array();
    message.style =
        protocol::TextStyle{number_of<std::uint32_t>(numbers.at(0)), number_of<std::uint32_t>(numbers.at(1)),
                            number_of<std::uint32_t>(numbers.at(2))};
  }
  if (!o.contains("target")) return message;  // of an earlier release
  message.target = string_of(o.at("target"));
  for (const json::value& option : o.at("options").as_array()) message.options.push_back(string_of(option));
  message.edited = o.at("edited").as_bool();
  message.revoked = o.at("revoked").as_bool();
  return message;
}

PhoneLog::Behind read_behind(const json::object& o) {
  PhoneLog::Behind behind;
  behind.encoded = bytes_of(o.at("encoded"));
  if (const auto form = Jid::parse(o.at("form").as_string())) behind.chat = *form;
  behind.unread = o.at("unread").as_bool();
  if (const json::value* edited = o.if_contains("editedMs")) behind.edited_ms = number_of<std::int64_t>(*edited);
  if (const json::value* set = o.if_contains("timerSetAt")) behind.timer_set_at = number_of<std::int64_t>(*set);
  if (const json::value* author = o.if_contains("authorForm")) {
    if (const auto form = Jid::parse(author->as_string())) behind.author = *form;
  }
  return behind;
}

}  // namespace

std::int64_t timer_set_at(const protocol::IncomingMessage& content) {
  const auto* timer = std::get_if<protocol::DisappearingTimer>(&content.body);
  return timer != nullptr ? timer->set_at : content.traits.expiry_set_at;
}

void PhoneLog::note_timer(const PhoneMessage& message, const Behind& behind) {
  const bool sets = message.kind == "disappearing";
  if (!sets && message.expires_after == 0) return;
  const Timer known = timer(message.chat);
  // Nobody can set it later than the server had what says so.
  const std::int64_t set_at = std::min(behind.timer_set_at, message.timestamp);
  const bool later = sets ? set_at >= known.set_at : set_at == 0 ? known.set_at == 0 : set_at > known.set_at;
  if (later) timers_[message.chat] = {message.expires_after, set_at};
}

PhoneLog::Timer PhoneLog::timer(const std::string& chat) const {
  const auto known = timers_.find(chat);
  return known == timers_.end() ? Timer() : known->second;
}

void PhoneLog::put(PhoneMessage message, Behind behind) {
  note_timer(message, behind);
  const std::size_t there = position(message.author, message.id);
  if (there < messages_.size()) {
    unlink(messages_[there], there + dropped_);
    if (!message.target.empty()) about_.emplace(message.target, there + dropped_);
    messages_[there] = std::move(message);
    behind_[there] = std::move(behind);
    return changed_(there + dropped_);
  }
  constexpr std::size_t surplus = kept / 10;
  if (messages_.size() == kept + surplus) {
    for (std::size_t i = 0; i < surplus; ++i) {
      index_.erase(key_of(messages_[i].author, messages_[i].id));
      unlink(messages_[i], i + dropped_);
      changed_(i + dropped_);
    }
    messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(surplus));
    behind_.erase(behind_.begin(), behind_.begin() + static_cast<std::ptrdiff_t>(surplus));
    dropped_ += surplus;
  }
  index_[key_of(message.author, message.id)] = messages_.size() + dropped_;
  if (!message.target.empty()) about_.emplace(message.target, messages_.size() + dropped_);
  changed_(messages_.size() + dropped_);
  messages_.push_back(std::move(message));
  behind_.push_back(std::move(behind));
}

void PhoneLog::touch(std::string_view author, std::string_view id) {
  const std::size_t there = position(author, id);
  if (there < messages_.size()) changed_(there + dropped_);
}

std::size_t PhoneLog::position(std::string_view author, std::string_view id) const {
  const auto found = index_.find(key_of(author, id));
  return found == index_.end() ? messages_.size() : found->second - dropped_;
}

PhoneMessage* PhoneLog::find(std::string_view author, std::string_view id) {
  const std::size_t there = position(author, id);
  return there < messages_.size() ? &messages_[there] : nullptr;
}

PhoneLog::Behind* PhoneLog::behind(std::string_view author, std::string_view id) {
  const std::size_t there = position(author, id);
  return there < behind_.size() ? &behind_[there] : nullptr;
}

std::vector<std::pair<std::string, std::string>> PhoneLog::about(const std::string& target) const {
  std::vector<std::size_t> numbers;
  const auto [first, last] = about_.equal_range(target);
  for (auto it = first; it != last; ++it) numbers.push_back(it->second);
  std::sort(numbers.begin(), numbers.end());
  std::vector<std::pair<std::string, std::string>> found;
  found.reserve(numbers.size());
  for (const std::size_t number : numbers) {
    const PhoneMessage& said = messages_[number - dropped_];
    found.emplace_back(said.author, said.id);
  }
  return found;
}

void PhoneLog::unlink(const PhoneMessage& said, std::size_t number) {
  if (said.target.empty()) return;
  const auto [first, last] = about_.equal_range(said.target);
  const auto found = std::find_if(first, last, [number](const auto& entry) { return entry.second == number; });
  if (found != last) about_.erase(found);
}

// --- rows

std::optional<Bytes> PhoneLog::row(std::uint64_t number) const {
  if (number < dropped_ || number - dropped_ >= messages_.size()) return std::nullopt;
  const auto position = static_cast<std::size_t>(number - dropped_);
  return packed(to_json(messages_[position], behind_[position]));
}

void PhoneLog::restore(std::uint64_t number, ByteView row) {
  const auto saved = unpacked(row);
  auto message = read_message(saved);
  auto behind = read_behind(saved);
  note_timer(message, behind);
  if (messages_.empty()) dropped_ = static_cast<std::size_t>(number);
  index_[key_of(message.author, message.id)] = messages_.size() + dropped_;
  if (!message.target.empty()) about_.emplace(message.target, messages_.size() + dropped_);
  messages_.push_back(std::move(message));
  behind_.push_back(std::move(behind));
}

}  // namespace wharf::sandbox
