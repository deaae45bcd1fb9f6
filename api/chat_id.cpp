#include "api/chat_id.h"

#include <algorithm>

namespace wharf::api {
namespace {

using protocol::Jid;
namespace server = protocol::server;

// E.164 allows 15 digits; shorter than 5 is a short code, which WhatsApp does not have.
constexpr std::size_t min_phone_digits = 5, max_phone_digits = 15;
constexpr std::size_t max_jid_digits = 32;
constexpr std::size_t max_message_id_bytes = 128;

bool digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), digit); }
bool alphanumeric(char c) { return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// `between`: what may stand among the digits.
std::optional<std::string> phone_digits(std::string_view text, std::string_view between) {
  std::string digits;
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  for (const char c : text) {
    if (digit(c)) digits.push_back(c);
    else if (between.find(c) == std::string_view::npos) return std::nullopt;
    if (digits.size() > max_phone_digits) return std::nullopt;
  }
  if (digits.size() < min_phone_digits) return std::nullopt;
  return digits;
}

bool is_group_user(std::string_view user) {
  const std::size_t dash = user.find('-');
  if (dash == std::string_view::npos) return all_digits(user);
  return all_digits(user.substr(0, dash)) && all_digits(user.substr(dash + 1));
}

}  // namespace

std::optional<Jid> parse_chat_id(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) {
    const auto digits = phone_digits(text, " -.()");
    if (!digits) return std::nullopt;
    return Jid(*digits, server::user);
  }
  const std::string_view host = text.substr(at + 1);
  if (host == server::user || host == server::legacy_user) {
    // The part before the @ may be written as people write numbers. A dot would part a user from an agent there.
    if (const auto digits = phone_digits(text.substr(0, at), " -")) return Jid(*digits, server::user);
  }
  const auto parsed = Jid::parse(text);
  if (!parsed || parsed->user.size() > max_jid_digits) return std::nullopt;
  Jid jid = parsed->user_jid();
  const bool plain = jid.has_devices() || jid.is_channel();
  const bool known = jid.is_group() ? is_group_user(jid.user) : plain && all_digits(jid.user);
  if (!known) return std::nullopt;
  return jid;
}

std::string chat_id_problem(std::string_view text) {
  if (text == "status@broadcast")
    return "must be a chat, and a status is none: it is posted and read at /api/v1/sessions/{sessionId}/status/posts";
  if (text.ends_with("@broadcast"))
    return "must be a chat, and lists of the phone cannot be written to: send one text to many people with "
           "POST /api/v1/sessions/{sessionId}/broadcasts";
  return std::string("must be ").append(chat_id_allowed);
}

std::string person_id_problem(std::string_view text) {
  const auto chat = parse_chat_id(text);
  if (!chat && text.ends_with("@broadcast")) return chat_id_problem(text);
  if (chat && chat->is_channel())
    return "must be a person, and this is a channel: see /api/v1/sessions/{sessionId}/channels/{channelId}";
  if (chat && chat->is_group())
    return "must be a person, and this is a group: see /api/v1/sessions/{sessionId}/groups/{groupId}";
  return "must be the id of a person: a phone number with country code, …@c.us, …@s.whatsapp.net or …@lid";
}

std::string group_id_problem(std::string_view text) {
  const auto chat = parse_chat_id(text);
  if (chat && chat->is_channel())
    return "must be a group, and this is a channel: see /api/v1/sessions/{sessionId}/channels/{channelId}";
  if (chat && chat->has_devices()) return "must be a group, and this is a person: the id of a group is …@g.us";
  return "must be the id of a group: …@g.us";
}

std::optional<bool> side_of_message_id(std::string_view text) {
  return text.starts_with("false_") ? std::optional(false) : std::nullopt;
}

namespace {

/// Status posts have ids like messages, and are in no chat that a request could name.
std::optional<Jid> parse_place(std::string_view text) {
  if (text == "status@broadcast") return protocol::status_jid();
  return parse_chat_id(text);
}

}  // namespace

std::optional<Jid> chat_of_message_id(std::string_view text) {
  for (const std::string_view prefix : {"true_", "false_"}) {
    if (!text.starts_with(prefix)) continue;
    text.remove_prefix(prefix.size());
    return parse_place(text.substr(0, text.find('_')));
  }
  return std::nullopt;
}

std::optional<std::string> parse_message_id(std::string_view text) {
  for (const std::string_view prefix : {"true_", "false_"}) {
    if (text.substr(0, prefix.size()) != prefix) continue;
    text.remove_prefix(prefix.size());
    const std::size_t chat_end = text.find('_');
    if (chat_end == std::string_view::npos || !parse_place(text.substr(0, chat_end))) return std::nullopt;
    text = text.substr(chat_end + 1);
    text = text.substr(0, text.find('_'));
    break;
  }
  const auto sane = [](char c) { return alphanumeric(c) || c == '-' || c == '.' || c == ':'; };
  if (text.empty() || text.size() > max_message_id_bytes || !std::all_of(text.begin(), text.end(), sane))
    return std::nullopt;
  return std::string(text);
}

std::string message_id_text(std::string_view chat_text, std::string_view id, Dialect dialect) {
  if (dialect == Dialect::gateway) return std::string(id);
  std::string out;
  out.reserve(6 + chat_text.size() + id.size());
  return out.append("true_").append(chat_text).append("_").append(id);
}

std::string jid_text(std::string_view jid, std::string_view phone_number_jid, Dialect dialect) {
  const std::string_view best = phone_number_jid.empty() ? jid : phone_number_jid;
  const std::size_t at = best.find('@');
  if (at == std::string_view::npos || dialect == Dialect::gateway || best.substr(at + 1) != server::user)
    return std::string(best);
  return std::string(best.substr(0, at + 1)).append(server::legacy_user);
}

bool is_session_name(std::string_view text) {
  const auto allowed = [](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; };
  // "." and ".." are folders to every client that normalises a path: such a session could not be addressed.
  if (text == "." || text == "..") return false;
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace wharf::api
