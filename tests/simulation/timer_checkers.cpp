#include "tests/simulation/timer_checkers.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/messages/content.h"
#include "storage/messages.h"

namespace wharf::simulation {

using protocol::Jid;
using sandbox::PhoneMessage;
using storage::ChatTimer;

namespace {

/// What somebody has set for the chat of two persons.
struct Setting {
  const Text* text = nullptr;
  std::int64_t said = 0;            // since when, as its message says
  std::optional<std::int64_t> had;  // when the server had it: nobody takes it for later than that
  std::int64_t counts_from() const { return had ? std::min(said, *had) : said; }
  bool is(const ChatTimer& timer) const {
    return timer.seconds == text->seconds && (had ? timer.set_at == counts_from() : timer.set_at <= said);
  }
};

class Timers {
 public:
  Timers(World& world, Ledger& ledger) : world_(world), ledger_(ledger), db_(world.daemon.store().reader()) {
    for (const Person& person : ledger.persons) {
      auto& shown = shown_[person.number];
      for (const PhoneMessage& message : world.phones.find(person.number)->messages()) {
        if (message.status != "failed") shown.emplace(message.id, &message);
      }
    }
  }

  void check() {
    for (const std::string& step : ledger_.timers.steps_back()) ledger_.violate(step);
    for (const Text& text : ledger_.texts) {
      if (is_message(text.kind) && !text.id.empty()) check_message(text);
    }
    for (std::size_t i = 0; i < ledger_.gateways.size(); ++i) {
      const auto view = world_.daemon.supervisor().find(ledger_.gateways[i].session);
      if (!view || ledger_.gateways[i].retired) continue;
      for (std::size_t other = 0; other < ledger_.persons.size(); ++other) {
        if (other != ledger_.gateways[i].person) check_chat(i, view->id, other);
      }
    }
  }

 private:
  void violate(const std::string& where, const std::string& what) {
    ledger_.violate(fmt::format("{}: {}", where, what));
  }
  const PhoneMessage* shown(std::size_t person, const std::string& id) const {
    const auto& all = shown_.at(ledger_.persons[person].number);
    const auto found = all.find(id);
    return found == all.end() ? nullptr : found->second;
  }
  std::optional<storage::SessionId> session_of(std::size_t gateway) {
    const auto view = world_.daemon.supervisor().find(ledger_.gateways[gateway].session);
    return view && !ledger_.gateways[gateway].retired ? std::optional(view->id) : std::nullopt;
  }

  // --- messages

  /// Of the chat as it was where the message was made; nullopt: nobody knows any more.
  std::optional<std::uint32_t> carried(const Text& text) {
    if (text.by_gateway) {
      const auto session = session_of(text.via);
      const auto timer = session ? ledger_.timers.in_force(*session, text.id) : std::nullopt;
      return timer ? std::optional(timer->seconds) : std::nullopt;
    }
    const PhoneMessage* own = shown(text.from, text.id);
    return own ? std::optional(own->expires_after) : std::nullopt;
  }

  void check_message(const Text& text) {
    const auto expected = carried(text);
    if (!expected) return;
    ledger_.counts.timed += *expected != 0 ? 1 : 0;
    for (const std::size_t person : {text.from, text.to}) {
      const PhoneMessage* message = shown(person, text.id);
      if (message != nullptr && message->expires_after != *expected)
        violate(ledger_.persons[person].number, fmt::format("{} ({}) stays {} s, its chat was set to {}", text.body,
                                                            text.id, message->expires_after, *expected));
    }
    for (std::size_t i = 0; i < ledger_.gateways.size(); ++i) {
      const Gateway& gateway = ledger_.gateways[i];
      const auto session = session_of(i);
      if (!session || (gateway.person != text.from && gateway.person != text.to)) continue;
      const auto row = storage::find_message_by_id(db_, *session, text.id, gateway.person == text.from);
      const auto content =
          row && !row->content.empty()
              ? protocol::parse_message(row->content)
              : protocol::Result<protocol::IncomingMessage>(protocol::Error(protocol::Errc::not_found, ""));
      if (!content) continue;
      if (content->traits.expires_after_s != *expected)
        violate(gateway.session, fmt::format("{} ({}) says {} s, its chat was set to {}", text.body, text.id,
                                             content->traits.expires_after_s, *expected));
      const bool shows = row->details.find("\"expiresAfter\":" + std::to_string(*expected)) != std::string::npos;
      if (shows != (*expected != 0))
        violate(gateway.session, fmt::format("{} ({}) shows no timer of {} s", text.body, text.id, *expected));
      if (!text.by_gateway || text.via != i) continue;
      const auto known = ledger_.timers.in_force(*session, text.id);
      if (*expected != 0 && content->traits.expiry_set_at != known->set_at)
        violate(gateway.session, fmt::format("{} ({}) says that its timer was set at {}, not {}", text.body, text.id,
                                             content->traits.expiry_set_at, known->set_at));
    }
  }

  // --- chats

  std::optional<Setting> setting_of(const Text& text) {
    Setting setting{&text, text.said_at / 1000, std::nullopt};
    const PhoneMessage *sent = shown(text.from, text.id), *received = shown(text.to, text.id);
    if (received != nullptr) setting.had = received->timestamp;
    if (!text.by_gateway) {
      if (sent != nullptr && sent->status != "error" && sent->status != "pending") setting.had = sent->timestamp;
      return setting;
    }
    const auto said = text.id.empty() ? std::nullopt : ledger_.timers.set_at(text.id);
    if (!said) return std::nullopt;  // never accepted
    setting.said = *said;
    if (sent != nullptr) setting.had = sent->timestamp;
    return setting;
  }

  /// It has to count in this session: it had a device when it was set, and has got it.
  bool must_know(std::size_t number, const Text& text, const Setting& setting) {
    if (!setting.had) return false;
    const Gateway& gateway = ledger_.gateways[number];
    const auto copy = text.copies.find(number);
    if (copy == text.copies.end() || !copy->second.excuse.empty() || copy->second.removed) return false;
    if (text.by_gateway && text.via == number) return gateway.linked_at < text.made_at && !ledger_.failed(text);
    return !text.by_gateway || !ledger_.failed(text);
  }

  ChatTimer timer_of(storage::SessionId session, std::size_t other) {
    const sandbox::Account* account = world_.network.find_account(ledger_.persons[other].number);
    const ChatTimer by_lid = storage::find_chat_timer(db_, session, account->lid_jid());
    return by_lid == ChatTimer() ? storage::find_chat_timer(db_, session, account->pn_jid()) : by_lid;
  }

  void check_chat(std::size_t number, storage::SessionId session, std::size_t other) {
    const Gateway& gateway = ledger_.gateways[number];
    const ChatTimer timer = timer_of(session, other);
    std::vector<Setting> settings;
    const Setting* newest = nullptr;
    for (const Text& text : ledger_.texts) {
      const bool of_chat =
          (text.from == gateway.person && text.to == other) || (text.from == other && text.to == gateway.person);
      if (text.kind != Kind::timer || !of_chat) continue;
      if (const auto setting = setting_of(text)) settings.push_back(*setting);
    }
    for (const Setting& setting : settings) {
      if (must_know(number, *setting.text, setting) &&
          (newest == nullptr || setting.counts_from() > newest->counts_from()))
        newest = &setting;
    }
    const std::string where = fmt::format("{} with {}: {} s since {}", gateway.session, ledger_.persons[other].number,
                                          timer.seconds, timer.set_at);
    if (timer == ChatTimer()) {
      if (newest != nullptr) violate(where, "and " + newest->text->body + " has set it");
      return;
    }
    ++ledger_.counts.timers;
    const bool somebody_s =
        std::any_of(settings.begin(), settings.end(), [&](const Setting& s) { return s.is(timer); });
    if (!somebody_s) violate(where, "nobody has set that");
    if (newest != nullptr && timer.set_at < newest->counts_from())
      violate(where, fmt::format("{} has set it to {} s at {}", newest->text->body, newest->text->seconds,
                                 newest->counts_from()));
  }

  World& world_;
  Ledger& ledger_;
  storage::Database& db_;
  std::map<std::string, std::map<std::string, const PhoneMessage*>> shown_;  // by number and id
};

}  // namespace

void check_timers(World& world, Ledger& ledger) { Timers(world, ledger).check(); }

}  // namespace wharf::simulation
