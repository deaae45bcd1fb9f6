#include "tests/simulation/tally_checkers.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/add_on_text.h"
#include "sessions/message_details.h"
#include "storage/messages.h"

namespace wharf::simulation {

namespace json = boost::json;
using protocol::Jid;
using storage::MessageRow;

namespace {

/// By person: what the newest of his says; several of one moment are all of them newest.
using Newest = std::map<std::size_t, std::vector<const Text*>>;

class Tallies {
 public:
  Tallies(World& world, Ledger& ledger) : world_(world), ledger_(ledger), db_(world.daemon.store().reader()) {
    for (std::size_t i = 0; i < ledger.texts.size(); ++i) {
      const Text& text = ledger.texts[i];
      if (text.kind == Kind::answer || text.kind == Kind::vote) said_[text.target].push_back(i);
    }
    for (std::size_t i = 0; i < ledger.persons.size(); ++i) {
      const sandbox::Account* account = world.network.find_account(ledger.persons[i].number);
      persons_[account->pn_jid().to_string()] = persons_[account->lid_jid().to_string()] = i;
    }
  }

  void check(const Gateway& gateway, storage::SessionId session) {
    for (const auto& [number, said] : said_) {
      const Text& text = ledger_.texts[number];
      const bool own = text.from == gateway.person;
      if (text.id.empty() || (!own && text.to != gateway.person)) continue;
      const auto row = storage::find_message_by_id(db_, session, text.id, own);
      if (!row || row->revoked_at != 0) continue;
      ++ledger_.counts.tallies;
      if (text.kind == Kind::event) check_event(gateway, text, *row, newest(gateway, session, said));
      if (text.kind == Kind::poll) check_poll(gateway, text, *row, newest(gateway, session, said));
    }
  }

 private:
  void violate(const Gateway& gateway, const Text& text, const std::string& what) {
    ledger_.violate(fmt::format("{} ({}) in {}: {}", text.body, text.id, gateway.session, what));
  }

  Newest newest(const Gateway& gateway, storage::SessionId session, const std::vector<std::size_t>& said) {
    std::map<std::size_t, std::int64_t> newest_at;
    Newest out;
    for (const std::size_t i : said) {
      const Text& text = ledger_.texts[i];
      const auto row = storage::find_message_by_id(db_, session, text.id, text.from == gateway.person);
      if (!row || row->ack == storage::AckLevel::error) continue;
      std::int64_t& at = newest_at[text.from];
      if (row->said_at > at) out[text.from].clear();
      if (row->said_at >= at) out[text.from].push_back(&text);
      at = std::max(at, row->said_at);
    }
    return out;
  }

  /// The numbers of this world's persons are all that there is, by either name.
  events::PersonIds ids_of(const Jid& user) const {
    const sandbox::Account* account = world_.network.find_account(user);
    if (account == nullptr) return {};
    events::PersonIds ids;
    ids.pn = account->pn_jid();
    if (account->has_lid()) ids.lid = account->lid_jid();
    return ids;
  }
  std::size_t person_of(const json::value& name) const {
    const auto found = persons_.find(std::string(name.as_string()));
    return found == persons_.end() ? Text::nothing : found->second;
  }
  std::vector<MessageRow> add_ons(const MessageRow& row) {
    return storage::add_ons(db_, row.session, row.chat, row.id, row.from_me, storage::most_add_ons);
  }

  void check_event(const Gateway& gateway, const Text& text, const MessageRow& row, const Newest& newest) {
    events::JsonWriter out;
    api::write_event_answers(
        out, add_ons(row), [this](const Jid& user) { return ids_of(user); }, api::Dialect::gateway);
    const json::value tally = json::parse(out.view());
    std::map<std::string, std::int64_t> counted;
    std::int64_t guests = 0;
    std::set<std::size_t> told;
    for (const json::value& given : tally.at("answers").as_array()) {
      const std::size_t person = person_of(given.at("from"));
      const std::string response(given.at("response").as_string());
      const auto extra = given.at("extraGuests").to_number<std::int64_t>();
      ++counted[response];
      if (response == "going") guests += extra;
      const auto said = newest.find(person);
      const bool is_his =
          said != newest.end() && std::any_of(said->second.begin(), said->second.end(), [&](const Text* answer) {
            return sessions::answer_name(answer->response.answer) == response && answer->response.extra_guests == extra;
          });
      if (!is_his || !told.insert(person).second || given.at("fromMe").as_bool() != (person == gateway.person))
        violate(gateway, text, "counts an answer of " + json::serialize(given));
    }
    if (told.size() != newest.size())
      violate(gateway, text, fmt::format("counts {} answers of {}", told.size(), newest.size()));
    for (const char* response : {"going", "notGoing", "maybe"}) {
      if (tally.at(response).to_number<std::int64_t>() != counted[response])
        violate(gateway, text, "counts wrong: " + json::serialize(tally));
    }
    if (tally.at("extraGuests").to_number<std::int64_t>() != guests)
      violate(gateway, text, "counts the guests wrong: " + json::serialize(tally));
  }

  void check_poll(const Gateway& gateway, const Text& text, const MessageRow& row, const Newest& newest) {
    events::JsonWriter out;
    api::write_poll_results(
        out, row, add_ons(row), [this](const Jid& user) { return ids_of(user); }, api::Dialect::gateway);
    const json::value tally = json::parse(out.view());
    std::map<std::size_t, std::vector<std::string>> chosen;
    for (const json::value& option : tally.at("options").as_array()) {
      for (const json::value& voter : option.at("voters").as_array())
        chosen[person_of(voter)].emplace_back(option.at("option").as_string());
      if (option.at("count").to_number<std::size_t>() != option.at("voters").as_array().size())
        violate(gateway, text, "counts wrong: " + json::serialize(option));
    }
    for (const auto& [person, votes] : newest) {
      const auto& now = chosen[person];
      if (std::none_of(votes.begin(), votes.end(), [&](const Text* vote) { return vote->options == now; }))
        violate(gateway, text, fmt::format("counts another vote of {}: {}", person, json::serialize(tally)));
      chosen.erase(person);
    }
    if (!chosen.empty()) violate(gateway, text, "counts a vote of nobody: " + json::serialize(tally));
  }

  World& world_;
  Ledger& ledger_;
  storage::Database& db_;
  std::map<std::size_t, std::vector<std::size_t>> said_;  // by event or poll
  std::map<std::string, std::size_t> persons_;            // by JID
};

}  // namespace

void check_tallies(World& world, Ledger& ledger) {
  Tallies tallies(world, ledger);
  for (const Gateway& gateway : ledger.gateways) {
    const auto view = world.daemon.supervisor().find(gateway.session);
    if (view && !gateway.retired) tallies.check(gateway, view->id);
  }
}

}  // namespace wharf::simulation
