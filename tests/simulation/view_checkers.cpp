#include "tests/simulation/view_checkers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "sessions/edits.h"
#include "sessions/message_details.h"
#include "storage/messages.h"
#include "tests/simulation/contents.h"

namespace wharf::simulation {

using sandbox::PhoneMessage;
using storage::AckLevel;
using storage::MessageRow;

namespace {

using Numbers = std::vector<std::size_t>;  // of the ledger's texts

class Views {
 public:
  Views(World& world, Ledger& ledger) : world_(world), ledger_(ledger) {
    for (std::size_t i = 0; i < ledger.texts.size(); ++i) {
      const Text& text = ledger.texts[i];
      if (is_about(text.kind)) about_[text.target].push_back(i);
      if (!text.by_gateway) said_at_[i] = text.said_at;
    }
  }

  void check() {
    for (const Gateway& gateway : ledger_.gateways) {
      const auto view = world_.daemon.supervisor().find(gateway.session);
      if (view && !gateway.retired) check_rows(gateway, view->id);
    }
    for (const Person& person : ledger_.persons) check_phone(person);
  }

 private:
  void violate(const std::string& where, const Text& text, const std::string& what) {
    ledger_.violate(fmt::format("{} ({}) in {}: {}", text.body, text.id, where, what));
  }
  static const Numbers& none() {
    static const Numbers empty;
    return empty;
  }
  const Numbers& said_about(std::size_t target) const {
    const auto found = about_.find(target);
    return found == about_.end() ? none() : found->second;
  }
  bool is_author_s(std::size_t said) const {
    const Text& text = ledger_.texts[said];
    return text.from == ledger_.texts[text.target].from;
  }

  // --- sessions

  using Rows = std::map<std::size_t, MessageRow>;

  Rows rows_of(const Gateway& gateway, storage::SessionId session) {
    Rows rows;
    for (std::size_t i = 0; i < ledger_.texts.size(); ++i) {
      const Text& text = ledger_.texts[i];
      if (text.id.empty() || (text.from != gateway.person && text.to != gateway.person)) continue;
      auto row =
          storage::find_message_by_id(world_.daemon.store().reader(), session, text.id, text.from == gateway.person);
      if (row) rows.emplace(i, std::move(*row));
    }
    return rows;
  }

  void check_rows(const Gateway& gateway, storage::SessionId session) {
    const Rows rows = rows_of(gateway, session);
    check_copies(gateway, rows);
    for (const auto& [i, row] : rows) {
      const Text& text = ledger_.texts[i];
      if (is_about(text.kind)) check_remark(gateway, text, row, rows);
      else check_message(gateway, i, row, rows);
      if (text.kind != Kind::edit) continue;
      const std::int64_t at = said_at_.try_emplace(i, row.said_at).first->second;
      if (at != row.said_at)
        violate(gateway.session, text, fmt::format("said at {}, elsewhere at {}", row.said_at, at));
    }
  }

  /// What was done to the copies of this session alone.
  void check_copies(const Gateway& gateway, const Rows& rows) {
    const auto number = static_cast<std::size_t>(&gateway - ledger_.gateways.data());
    for (std::size_t i = 0; i < ledger_.texts.size(); ++i) {
      const Text& text = ledger_.texts[i];
      const auto found = text.copies.find(number);
      const Copy copy = found == text.copies.end() ? Copy() : found->second;
      const auto row = rows.find(i);
      ledger_.deleted_copies += copy.deleted ? 1 : 0;
      if (row == rows.end() || copy.forgotten(ledger_.persons[text.from])) continue;
      if (copy.deleted) violate(gateway.session, text, "was deleted here and is there");
      const bool starred = row->second.starred_at != 0;
      ledger_.starred_copies += starred ? 1 : 0;
      if (!copy.removed && copy.star_asked == copy.star_answered && row->second.revoked_at == 0 &&
          starred != copy.starred)
        violate(gateway.session, text, starred ? "has a star" : "has no star");
    }
  }

  void check_remark(const Gateway& gateway, const Text& text, const MessageRow& row, const Rows& rows) {
    const Text& target = ledger_.texts[text.target];
    if (row.target_id != target.id || row.target_from_me != (target.from == gateway.person))
      return violate(gateway.session, text, "it is about " + row.target_id);
    const auto about = rows.find(text.target);
    if (about != rows.end() && about->second.row > row.row) ++ledger_.early;
    if (about == rows.end() || about->second.revoked_at != 0) return;
    if (text.kind == Kind::reaction && row.body != text.said)
      violate(gateway.session, text, fmt::format("the reaction is '{}', not '{}'", row.body, text.said));
    if (text.kind == Kind::vote && row.details != sessions::vote_details(text.options))
      violate(gateway.session, text, "the vote is " + (row.details.empty() ? "unread" : row.details));
  }

  /// What came from here happens when the server has it.
  static bool has_happened(const MessageRow& said) { return !said.from_me || said.ack >= AckLevel::server; }

  void check_message(const Gateway& gateway, std::size_t number, const MessageRow& row, const Rows& rows) {
    const Text& text = ledger_.texts[number];
    const auto same = [](const protocol::Jid&) { return protocol::Jid(); };  // whose it is, the ledger knows
    bool revoked = false;
    std::int64_t newest = 0;
    std::vector<std::string> allowed{text.shows_text() ? text.body : std::string()};
    for (const std::size_t i : said_about(number)) {
      const auto said = rows.find(i);
      if (said == rows.end() || !is_author_s(i) || !has_happened(said->second)) continue;
      const Text& remark = ledger_.texts[i];
      if (remark.kind == Kind::revoke) revoked = true;
      if (remark.kind != Kind::edit || !sessions::edit_counts(said->second, row, same)) continue;
      if (said->second.said_at > newest) allowed.clear();
      if (said->second.said_at >= newest) allowed.push_back(remark.said);
      newest = std::max(newest, said->second.said_at);
    }
    if (revoked != (row.revoked_at != 0))
      return violate(gateway.session, text, revoked ? "was taken back and is there" : "was not taken back and is gone");
    if (revoked) {
      if (!row.body.empty() || !row.content.empty())
        violate(gateway.session, text, "was taken back and keeps its text");
    } else if (std::find(allowed.begin(), allowed.end(), row.body) == allowed.end()) {
      violate(gateway.session, text, fmt::format("shows '{}' instead of '{}'", row.body, allowed.back()));
    }
  }

  // --- phones

  void check_phone(const Person& person) {
    std::map<std::string, const PhoneMessage*> shown;
    for (const PhoneMessage& message : world_.phones.find(person.number)->messages()) {
      if (message.status != "failed") shown.emplace(message.id, &message);
    }
    for (std::size_t i = 0; i < ledger_.texts.size(); ++i) {
      const Text& text = ledger_.texts[i];
      const auto message = shown.find(text.id);
      if (message == shown.end()) continue;
      if (!is_about(text.kind)) check_shown(person, i, *message->second, shown);
      if (text.kind == Kind::media) check_file(person, text, *message->second);
      if (text.kind != Kind::vote || !shown.contains(ledger_.texts[text.target].id)) continue;
      if (message->second->options != text.options) violate(person.number, text, "the vote is another");
    }
  }

  void check_file(const Person& person, const Text& text, const PhoneMessage& message) {
    if (!message.media) return violate(person.number, text, "there is no file");
    if (message.media->state == "ready") {
      const auto sha256 = protocol::to_hex(protocol::sha256(protocol::as_bytes(file_of(text))));
      if (message.media->sha256 != sha256) violate(person.number, text, "the file is another one");
    } else if (message.status != "error" && !world_.files_lost && !world_.phones_failed) {
      violate(person.number, text, "the file is " + message.media->state + ": " + message.media->failure);
    }
  }

  void check_shown(const Person& person, std::size_t number, const PhoneMessage& message,
                   const std::map<std::string, const PhoneMessage*>& shown) {
    const Text& text = ledger_.texts[number];
    bool revoked = false;
    std::int64_t newest = 0;
    std::vector<std::string> allowed{text.shows_text() ? text.body : std::string()};
    for (const std::size_t i : said_about(number)) {
      const Text& remark = ledger_.texts[i];
      const auto said = shown.find(remark.id);
      if (said == shown.end() || !is_author_s(i)) continue;
      // The phone shows what it says itself before it is sent, and after it could not be.
      if (remark.kind == Kind::revoke) revoked = true;
      if (remark.kind != Kind::edit) continue;
      const auto at = said_at_.find(i);
      if (at == said_at_.end()) return;  // no session has it any more
      if (at->second > newest) allowed.clear();
      if (at->second >= newest) allowed.push_back(remark.said);
      newest = std::max(newest, at->second);
    }
    if (revoked != message.revoked)
      return violate(person.number, text, revoked ? "was taken back and is shown" : "was not taken back and is gone");
    if (revoked ? !message.text.empty() : std::find(allowed.begin(), allowed.end(), message.text) == allowed.end())
      violate(person.number, text,
              fmt::format("shows '{}' instead of '{}'", message.text, revoked ? "" : allowed.back()));
  }

  World& world_;
  Ledger& ledger_;
  std::map<std::size_t, Numbers> about_;         // by target
  std::map<std::size_t, std::int64_t> said_at_;  // of edits: as their message says
};

}  // namespace

void check_views(World& world, Ledger& ledger) { Views(world, ledger).check(); }

}  // namespace wharf::simulation
