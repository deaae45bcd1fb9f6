#include "tests/simulation/ledger.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <utility>

namespace wharf::simulation {

namespace {

void excuse(std::string& where, const std::string& why) {
  if (where.empty()) where = why;
}

}  // namespace

void Ledger::violate(std::string what) {
  if (violations.size() < max_violations) violations.push_back(std::move(what));
}

void Ledger::hear(const std::vector<storage::Event>& events) {
  for (const storage::Event& event : events) {
    // A life that died between commit and completion leaves a gap, never a step back.
    if (event.id <= last_event_)
      violate(fmt::format("event {} ({}) came after event {}", event.id, event.name, last_event_));
    last_event_ = event.id;
    heard_.emplace(event.id, Heard{event.name, event.data});
    if (event.name != "message" && event.name != "message.sent") continue;
    const auto data = boost::json::parse(event.data);
    told_.emplace(event.session_name, std::string(data.at("body").as_string()));
  }
}

void Ledger::excuse_session(std::size_t person, const std::string& why) {
  const std::string& session = persons[person].session;
  for (Text& text : texts) {
    if (text.by_gateway && text.from == person) {
      // Who could not read it yet asks a device that is gone.
      excuse(text.phone_excuse, why);
      excuse(text.own_phone_excuse, why);
      if (!told(persons[text.to].session, text.body)) excuse(text.session_excuse, why);
    }
    // A read receipt that waits is forgotten with the device, and the text no longer counts as unread.
    if (text.to == person) text.read_promised = false;
    if (told(session, text.body)) {
      if (text.to == person) text.copy_removed = text.by_recipient.device = true;
      if (text.from == person) text.by_sender.device = true;
      continue;
    }
    if (text.to == person) excuse(text.session_excuse, why);
    if (text.from == person && !text.by_gateway) excuse(text.own_session_excuse, why);
  }
}

void Ledger::excuse_chat(std::size_t person, std::size_t other, const std::string& why) {
  for (Text& text : texts) {
    if (text.from == other && text.to == person && told(persons[person].session, text.body)) {
      text.copy_removed = text.by_recipient.chat = true;
      text.read_promised = false;
    }
    if (text.from == person && text.to == other && told(persons[person].session, text.body)) text.by_sender.chat = true;
    if (!text.by_gateway || text.from != person || text.to != other) continue;
    excuse(text.phone_excuse, why);
    excuse(text.own_phone_excuse, why);
    if (!told(persons[other].session, text.body)) excuse(text.session_excuse, why);
  }
}

void Ledger::excuse_given_up(Text& text, const std::string& why) {
  text.given_up = true;
  excuse(text.phone_excuse, why);
  excuse(text.own_phone_excuse, why);
  excuse(text.session_excuse, why);
}

void Ledger::excuse_phone_sends(std::size_t person, const std::string& why) {
  for (Text& text : texts) {
    if (text.by_gateway || text.from != person) continue;
    excuse(text.phone_excuse, why);
    text.read_promised = false;
    if (!told(persons[text.to].session, text.body)) excuse(text.session_excuse, why);
    if (!told(persons[person].session, text.body)) excuse(text.own_session_excuse, why);
  }
}

}  // namespace wharf::simulation
