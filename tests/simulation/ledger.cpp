#include "tests/simulation/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <iterator>
#include <utility>

namespace wharf::simulation {

namespace {

void excuse(std::string& where, const std::string& why) {
  if (where.empty()) where = why;
}

}  // namespace

const char* name(Kind kind) {
  constexpr const char* names[] = {"text",     "location", "contacts", "poll", "event",  "media", "timer",
                                   "reaction", "edit",     "revoke",   "vote", "answer", "pin"};
  static_assert(std::size(names) == static_cast<std::size_t>(Kind::pin) + 1);
  return names[static_cast<std::size_t>(kind)];
}

namespace {

struct Counted {
  std::size_t Counts::*count;
  const char* what;
};
constexpr Counted counted[] = {{&Counts::early, "before what they are about"},
                               {&Counts::compared, "files compared"},
                               {&Counts::unasked, "of them unasked"},
                               {&Counts::announced_again, "uploads announced again"},
                               {&Counts::put_off, "put off"},
                               {&Counts::withdrawn, "withdrawn"},
                               {&Counts::expired, "expired"},
                               {&Counts::several, "requests for several"},
                               {&Counts::deleted, "deleted"},
                               {&Counts::starred, "with a star"},
                               {&Counts::pinned, "pinned"},
                               {&Counts::timed, "with a timer"},
                               {&Counts::timers, "timers of chats"},
                               {&Counts::tallies, "tallies"},
                               {&Counts::opened, "opened"},
                               {&Counts::plain, "plain files"},
                               {&Counts::aged, "files aged"},
                               {&Counts::days, "days"},
                               {&Counts::in_groups, "in groups"},
                               {&Counts::group_copies, "copies of those"},
                               {&Counts::groups, "groups"},
                               {&Counts::in_order, "in order"},
                               {&Counts::kept_out, "keys tried"}};
static_assert(sizeof(Counts) == std::size(counted) * sizeof(std::size_t));

}  // namespace

Counts& Counts::operator+=(const Counts& more) {
  for (const Counted& each : counted) this->*each.count += more.*each.count;
  return *this;
}

std::string told(const Counts& counts) {
  std::string all;
  for (const Counted& each : counted)
    all += fmt::format("{}{} {}", all.empty() ? "" : ", ", counts.*each.count, each.what);
  return all;
}

void Ledger::violate(std::string what) {
  if (violations.size() < max_violations) violations.push_back(std::move(what));
}

void Ledger::hear(const std::vector<storage::Event>& events, Micros now) {
  for (const storage::Event& event : events) {
    // A life that died between commit and completion leaves a gap, never a step back.
    if (event.id <= last_event_)
      violate(fmt::format("event {} ({}) came after event {}", event.id, event.name, last_event_));
    last_event_ = event.id;
    heard_.emplace(event.id, Heard{event.name, event.data});
    const bool message = event.name == "message" || event.name == "message.sent";
    if (!message && event.name != "reaction" && event.name != "ack") continue;
    const auto data = boost::json::parse(event.data);
    std::string id(data.at("id").as_string());
    if (event.name == "ack") {
      if (data.at("ack").as_int64() < 0) failed_.emplace(std::move(id), now);
      continue;
    }
    if (message) told_.emplace(std::pair(event.session_name, std::string(data.at("body").as_string())), now);
    told_.emplace(std::pair(event.session_name, std::move(id)), now);
  }
}

std::optional<Micros> Ledger::told_at(const std::string& session, const Text& text) const {
  const auto found = told_.find({session, text.mark()});
  return found == told_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Micros> Ledger::failed_at(const Text& text) const {
  const auto found = failed_.find(text.id);
  return found == failed_.end() ? std::nullopt : std::optional(found->second);
}

bool Ledger::was_revoked(std::size_t text) const {
  return std::any_of(texts.begin(), texts.end(), [&](const Text& said) {
    return said.kind == Kind::revoke && said.target == text && said.from == texts[text].from;
  });
}

bool Ledger::was_cancelled(std::size_t text) const {
  return std::any_of(texts.begin(), texts.end(), [&](const Text& said) {
    return said.kind == Kind::edit && said.target == text && said.cancelled && said.from == texts[text].from;
  });
}

void Ledger::note_file(std::size_t text, const protocol::MediaKey& key, std::string upload_token) {
  if (!media_keys_.insert(key).second) violate("a media key was used twice: " + texts[text].body);
  files_.emplace(std::move(upload_token), text);
}

void Ledger::note_announced(const Text& text, const protocol::MediaKey& key, const protocol::Digest32& file) {
  const auto& first = announced_.try_emplace(key, Announced{file, text.id}).first->second;
  if (first.file != file) violate(fmt::format("{} ({}) announces the key of another file", text.body, text.id));
  if (first.id != text.id) announced_again.insert(text.id);
}

void Ledger::note_upload(const std::string& upload_token) {
  const auto file = files_.find(upload_token);
  if (file == files_.end()) return violate("a file is uploaded that belongs to nothing");
  const Text& text = texts[file->second];
  if (failed(text)) violate(fmt::format("{} ({}) has ended and is uploaded", text.body, text.id));
  const auto before = uploading_.try_emplace(file->second, upload_token).first;
  if (before->second != upload_token && !text.given_up)
    violate(fmt::format("{} ({}) is uploaded a second time, under another key", text.body, text.id));
}

std::vector<std::size_t> Ledger::gateways_of(std::size_t person) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < gateways.size(); ++i) {
    if (gateways[i].person == person && !gateways[i].retired) found.push_back(i);
  }
  return found;
}

std::size_t Ledger::add_gateway(std::size_t person, std::string session) {
  Gateway gateway;
  gateway.session = std::move(session);
  gateway.person = person;
  gateways.push_back(std::move(gateway));
  const std::size_t added = gateways.size() - 1;
  for (Text& text : texts) {
    if (text.from == person || text.to == person) text.copies[added].excuse = "it was said before the session was made";
  }
  return added;
}

void Ledger::excuse_copy(Text& text, std::size_t gateway, const std::string& why) {
  // Whether one that no event tells of is there already is not known here.
  if (!text.is_told()) text.copies[gateway].removed = true;
  if (!told(gateways[gateway].session, text)) excuse(text.copies[gateway].excuse, why);
}

/// Of all sessions of both sides but the one that sent it.
void Ledger::excuse_copies(Text& text, const std::string& why) {
  for (std::size_t i = 0; i < gateways.size(); ++i) {
    const bool sent_it = text.by_gateway && text.via == i;
    if (!sent_it && (gateways[i].person == text.from || gateways[i].person == text.to)) excuse_copy(text, i, why);
  }
}

void Ledger::excuse_device(std::size_t gateway, const std::string& why) {
  const auto& [session, person, linked, linked_at, retired, deleted] = gateways[gateway];
  groups.excuse_device(
      gateway, [&](const GroupText& text) { return told(gateways[gateway].session, text); }, why);
  for (Text& text : texts) {
    const bool sent_it = text.by_gateway && text.via == gateway;
    if (sent_it) {
      // Who could not read it yet asks a device that is gone.
      excuse(text.phone_excuse, why);
      excuse(text.own_phone_excuse, why);
      excuse_copies(text, why);
    }
    if (text.from != person && text.to != person) continue;
    // A read receipt that waits is forgotten with the device, and the text no longer counts as unread.
    if (text.to == person) text.read_promised = false;
    Copy& copy = text.copies[gateway];
    if (told(session, text)) {
      copy.device_gone = copy.removed = true;
    } else if (!sent_it) {
      excuse_copy(text, gateway, why);
    }
  }
}

void Ledger::excuse_chat(std::size_t gateway, std::size_t other, const std::string& why) {
  const auto& [session, person, linked, linked_at, retired, deleted] = gateways[gateway];
  for (Text& text : texts) {
    const bool received = text.from == other && text.to == person, sent = text.from == person && text.to == other;
    if (!received && !sent) continue;
    if (told(session, text)) {
      Copy& copy = text.copies[gateway];
      copy.chat_gone = copy.removed = true;
      if (received) text.read_promised = false;
    } else if (!text.is_told()) {
      excuse_copy(text, gateway, why);
    }
    if (!text.by_gateway || text.via != gateway) continue;
    if (text.send_at != 0 && !told(session, text)) text.may_be_gone = true;  // with what was scheduled there
    excuse(text.phone_excuse, why);
    excuse(text.own_phone_excuse, why);
    excuse_copies(text, why);
  }
}

void Ledger::excuse_message(std::size_t gateway, std::size_t number, const std::string& why) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    Text& text = texts[i];
    if (i != number && text.target != number) continue;
    if (i == number) {
      Copy& copy = text.copies[gateway];
      copy.removed = copy.chat_gone = true;
      text.read_promised = text.read_promised && text.to != gateways[gateway].person;
    } else {
      excuse_copy(text, gateway, why);
    }
    // The session keeps nothing of it for who could not read it at once.
    if (!text.by_gateway || text.via != gateway) continue;
    if (i == number) text.may_be_gone = true;
    excuse(text.phone_excuse, why);
    excuse(text.own_phone_excuse, why);
    excuse_copies(text, why);
  }
}

void Ledger::excuse_given_up(Text& text, const std::string& why) {
  text.given_up = true;
  excuse(text.phone_excuse, why);
  excuse(text.own_phone_excuse, why);
  excuse_copies(text, why);
}

void Ledger::excuse_phone_sends(std::size_t person, const std::string& why) {
  persons[person].renewed = true;
  groups.excuse_phone_sends(person, why);
  for (Text& text : texts) {
    if (text.by_gateway || text.from != person) continue;
    excuse(text.phone_excuse, why);
    text.read_promised = false;
    excuse_copies(text, why);
  }
}

}  // namespace wharf::simulation
