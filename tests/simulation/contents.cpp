#include "tests/simulation/contents.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "tests/simulation/trace.h"

namespace wharf::simulation {

namespace {

/// One of the newest messages of the chat that can be talked about.
std::optional<std::size_t> something_seen(const Text& text, const Ledger& ledger, protocol::Random& random,
                                          const Sees& sees) {
  constexpr std::size_t looked_at = 300, most = 8;
  std::vector<std::size_t> found;
  const std::size_t end = ledger.texts.size() - std::min(ledger.texts.size(), looked_at);
  for (std::size_t i = ledger.texts.size(); i > end && found.size() < most; --i) {
    const Text& said = ledger.texts[i - 1];
    const bool of_chat =
        (said.from == text.from && said.to == text.to) || (said.from == text.to && said.to == text.from);
    if (of_chat && is_message(said.kind) && !said.id.empty() && sees(i - 1)) found.push_back(i - 1);
  }
  if (found.empty()) return std::nullopt;
  const auto count = static_cast<std::uint32_t>(found.size());
  return found[std::min(random.below(count), random.below(count))];
}

void choose_votes(Text& text, const Text& poll, protocol::Random& random) {
  text.kind = Kind::vote;
  for (const std::string& option : poll.options) {
    if (random.below(2) == 0) text.options.push_back(option);
  }
}

}  // namespace

void choose_file(Text& text, const Ledger& ledger, protocol::Random& random) {
  using protocol::MessageKind;
  text.file_seed = text.body;
  constexpr std::size_t looked_at = 40;
  const std::size_t end = ledger.texts.size() - std::min(ledger.texts.size(), looked_at);
  for (std::size_t i = random.below(3) == 0 ? ledger.texts.size() : end; i > end; --i) {
    const Text& before = ledger.texts[i - 1];
    if (before.kind != Kind::media || before.file_seed.empty()) continue;
    text.kind = Kind::media;
    text.file_kind = before.file_kind;
    text.file_bytes = before.file_bytes;
    text.file_seed = before.file_seed;
    return;
  }
  constexpr MessageKind kinds[] = {MessageKind::document, MessageKind::image, MessageKind::video};
  text.kind = Kind::media;
  text.file_kind = kinds[random.below(3)];
  constexpr std::uint32_t block = 16, piece = 64u << 10, most = 200u << 10;
  switch (random.below(8)) {
    case 0: text.file_bytes = 1; break;
    case 1: text.file_bytes = block - 1 + random.below(3); break;
    case 2: text.file_bytes = piece - 12 + random.below(24); break;
    case 3: text.file_bytes = 1 + random.below(most); break;
    default: text.file_bytes = 1 + random.below(4'096);
  }
}

void choose_timer(Text& text, protocol::Random& random) {
  constexpr std::uint32_t offered[] = {0, 86'400, 604'800, 7'776'000};
  text.kind = Kind::timer;
  text.seconds = offered[random.below(4)];
}

namespace {

void choose_pin(Text& text, protocol::Random& random) {
  constexpr std::uint32_t offered[] = {86'400, 604'800, 2'592'000};
  text.kind = Kind::pin;
  text.pins = random.below(3) != 0;
  text.seconds = offered[random.below(3)];
}

void choose_answer(Text& text, protocol::Random& random) {
  text.kind = Kind::answer;
  text.response.answer = static_cast<protocol::EventResponse::Answer>(1 + random.below(3));
  text.response.extra_guests = random.below(2) * random.below(4);
}

/// Another name and another time; some are called off.
void choose_event_edit(Text& text, protocol::Random& random) {
  text.kind = Kind::edit;
  text.sealed = true;  // there is no other form
  text.said = text.body;
  text.starts_at += 3'600 * random.below(100);
  text.cancelled = random.below(5) == 0;
}

}  // namespace

void choose_remark(Text& text, std::size_t about, const Ledger& ledger, protocol::Random& random) {
  const Text& target = ledger.texts[about];
  text.target = about;
  const unsigned roll = random.below(100);
  const bool own = target.from == text.from;
  // A phone can be told to change the message of another, which nobody may believe.
  const bool forges = !own && !text.by_gateway && random.below(8) == 0;
  // Sessions seal votes and answers alone.
  const auto seals = [&] { return !text.by_gateway && random.below(3) == 0; };
  if (target.kind == Kind::poll && roll < 60) return choose_votes(text, target, random);
  if (target.kind == Kind::event && roll < 40) return choose_answer(text, random);
  if (target.kind == Kind::event && (own || forges) && !text.by_gateway && roll < 60)
    return choose_event_edit(text, random);
  if (roll >= 88) return choose_pin(text, random);
  if ((own || forges) && (target.kind == Kind::text || target.kind == Kind::media) && roll < 45) {
    text.kind = Kind::edit;
    text.said = text.body;
    text.sealed = seals();
  } else if ((own || forges) && roll < 70) {
    text.kind = Kind::revoke;
  } else {
    constexpr const char* emojis[] = {"", "\xF0\x9F\x91\x8D", "\xE2\x9D\xA4", "\xF0\x9F\x98\x82"};
    text.kind = Kind::reaction;
    text.said = emojis[random.below(4)];
    text.sealed = seals();
  }
}

void choose_content(Text& text, const Ledger& ledger, protocol::Random& random, const Sees& sees) {
  const unsigned roll = random.below(100);
  if (roll < 52) return;
  if (roll < 75) {
    if (const auto seen = something_seen(text, ledger, random, sees)) choose_remark(text, *seen, ledger, random);
  } else if (roll < 83) {
    choose_file(text, ledger, random);
  } else if (roll < 85) {
    text.kind = Kind::location;
  } else if (roll < 87) {
    text.kind = Kind::contacts;
  } else if (roll < 92) {
    text.kind = Kind::event;
  } else {
    text.kind = Kind::poll;
    constexpr const char* options[] = {"soup", "salad", "bread", "nothing"};
    const unsigned count = 2 + random.below(3);
    for (unsigned i = 0; i < count; ++i) text.options.emplace_back(options[i]);
  }
}

namespace {

protocol::Location place_of(const Text& text) {
  protocol::Location place;
  place.latitude = 52.5;
  place.longitude = 13.25;
  place.name = text.body;
  return place;
}

protocol::Contacts contacts_of(const Text& text) {
  return {text.body, {{text.body, "BEGIN:VCARD\nVERSION:3.0\nFN:" + text.body + "\nEND:VCARD"}}};
}

protocol::Poll poll_of(const Text& text) { return {text.body, text.options, 0}; }

/// Of an edit: as it is from then on.
protocol::CalendarEvent event_of(const Text& text) {
  protocol::CalendarEvent event;
  event.name = text.body;
  event.starts_at = text.starts_at;
  event.cancelled = text.cancelled;
  event.extra_guests = true;
  return event;
}

}  // namespace

std::string file_of(const Text& text) {
  std::string bytes = text.file_seed;
  std::uint64_t state = digest(text.file_seed);
  bytes.reserve(text.file_bytes + 8);
  while (bytes.size() < text.file_bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    for (unsigned shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(state >> shift & 0xFF);
  }
  bytes.resize(text.file_bytes);
  return bytes;
}

sessions::SendMedia as_media(const Text& text, const sessions::SealedMedia& sealed, std::int64_t unix_ms) {
  sessions::SendMedia media;
  media.content.kind = text.file_kind;
  media.content.caption = text.body;
  protocol::MediaFile& file = media.content.file;
  file.mimetype = "application/octet-stream";
  file.file_name = "file.bin";
  file.length = sealed.digest.file_length;
  file.sha256 = protocol::to_bytes(sealed.digest.file_sha256);
  file.enc_sha256 = protocol::to_bytes(sealed.digest.file_enc_sha256);
  file.key = protocol::to_bytes(sealed.key);
  file.key_at = unix_ms / 1000;
  file.sidecar = sealed.digest.sidecar;
  media.upload = sealed.name();
  return media;
}

namespace {

sandbox::PhoneMedia phone_media_of(const Text& text) {
  sandbox::PhoneMedia media;
  media.kind = text.file_kind;
  media.bytes = file_of(text);
  media.file_name = "file.bin";
  media.caption = text.body;
  return media;
}

}  // namespace

sessions::Sendable as_command(const Text& text, const Ledger& ledger) {
  const std::string target = is_about(text.kind) ? ledger.texts[text.target].id : "";
  switch (text.kind) {
    case Kind::text: return text.body;
    case Kind::location: return place_of(text);
    case Kind::contacts: return contacts_of(text);
    case Kind::poll: return poll_of(text);
    case Kind::event: return event_of(text);
    case Kind::media: break;
    case Kind::timer: return sessions::SetDisappearing{text.seconds};
    case Kind::reaction: return sessions::React{target, text.said};
    case Kind::edit: return sessions::EditText{target, text.said, {}};
    case Kind::revoke: return sessions::RevokeSent{target};
    case Kind::vote: return sessions::Vote{target, text.options};
    case Kind::answer: return sessions::AnswerEvent{target, text.response.answer, text.response.extra_guests};
    case Kind::pin: return sessions::PinMessage{target, text.pins, std::chrono::seconds(text.seconds)};
  }
  return text.body;
}

sandbox::Phone::Send as_typed(const Text& text, const Ledger& ledger) {
  sandbox::Phone::Send send;
  send.to = ledger.persons[text.to].number;
  const std::string target = is_about(text.kind) ? ledger.texts[text.target].id : "";
  switch (text.kind) {
    case Kind::text: send.text = text.body; break;
    case Kind::location: send.content = place_of(text); break;
    case Kind::contacts: send.content = contacts_of(text); break;
    case Kind::poll: send.content = poll_of(text); break;
    case Kind::event: send.content = event_of(text); break;
    case Kind::media: send.content = phone_media_of(text); break;
    case Kind::timer: send.content = sandbox::PhoneTimer{text.seconds}; break;
    case Kind::reaction: send.content = sandbox::PhoneReaction{target, text.said, text.sealed}; break;
    case Kind::edit:
      if (ledger.texts[text.target].kind == Kind::event) send.content = sandbox::PhoneEventEdit{target, event_of(text)};
      else send.content = sandbox::PhoneEdit{target, text.said, text.sealed};
      break;
    case Kind::revoke: send.content = sandbox::PhoneRevoke{target}; break;
    case Kind::vote: send.content = sandbox::PhoneVote{target, text.options}; break;
    case Kind::answer:
      send.content = sandbox::PhoneAnswer{target, text.response.answer, text.response.extra_guests};
      break;
    case Kind::pin: send.content = sandbox::PhonePin{target, text.pins, text.seconds}; break;
  }
  return send;
}

}  // namespace wharf::simulation
