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
    std::map<std::string, std::size_t> by_id;
    for (std::size_t i = 0; i < ledger.texts.size(); ++i) {
      const Text& text = ledger.texts[i];
      if (is_about(text.kind)) about_[text.target].push_back(i);
      if (!text.by_gateway) said_at_[i] = text.said_at;
      if (!text.id.empty()) by_id.emplace(text.id, i);
    }
    for (const Person& person : ledger.persons) {
      for (const PhoneMessage& message : world.phones.find(person.number)->messages()) {
        const auto known = by_id.find(message.id);
        if (!message.from_me && message.status != "failed" && known != by_id.end())
          accepted_s_[known->second] = message.timestamp;
      }
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
      check_time(gateway, i, row);
      if (is_about(text.kind)) check_remark(gateway, text, row, rows);
      if (is_message(text.kind)) check_message(gateway, i, row, rows);
      // Until it is opened nobody knows when it was said; an event says nothing of the kind.
      const bool tells = (text.kind == Kind::edit && !is_event(text.target)) || text.kind == Kind::answer;
      if (!tells || is_closed(row) || (text.kind == Kind::answer && row.details.empty())) continue;
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
      ledger_.counts.deleted += copy.deleted ? 1 : 0;
      if (row == rows.end() || copy.forgotten(ledger_.persons[text.from])) continue;
      if (copy.deleted) violate(gateway.session, text, "was deleted here and is there");
      const bool starred = row->second.starred_at != 0;
      ledger_.counts.starred += starred ? 1 : 0;
      if (!copy.removed && copy.star_asked == copy.star_answered && row->second.revoked_at == 0 &&
          starred != copy.starred)
        violate(gateway.session, text, starred ? "has a star" : "has no star");
    }
  }

  /// The server's, as the recipient's phone has it; what a session has sent may be dated by a receipt, where the ack
  /// was lost, and what it had given up before the server took it counts from when it was composed.
  void check_time(const Gateway& gateway, std::size_t number, const MessageRow& row) {
    const Text& text = ledger_.texts[number];
    const auto accepted = accepted_s_.find(number);
    if (accepted == accepted_s_.end() || !has_happened(row)) return;
    const bool sent_it = text.by_gateway && ledger_.gateways[text.via].session == gateway.session;
    if (row.timestamp == accepted->second * 1'000 || (sent_it && row.timestamp > accepted->second * 1'000)) return;
    if (sent_it && ledger_.failed(text)) return;
    violate(gateway.session, text, fmt::format("is of {}, the server had it at {}", row.timestamp, accepted->second));
  }

  void check_remark(const Gateway& gateway, const Text& text, const MessageRow& row, const Rows& rows) {
    const Text& target = ledger_.texts[text.target];
    if (row.target_id != target.id || row.target_from_me != (target.from == gateway.person))
      return violate(gateway.session, text, "it is about " + row.target_id);
    const auto about = rows.find(text.target);
    if (about != rows.end() && about->second.row > row.row) ++ledger_.counts.early;
    if (about == rows.end() || about->second.revoked_at != 0) return;
    if (is_closed(row)) return violate(gateway.session, text, "is still sealed");
    ledger_.counts.opened += text.sealed ? 1 : 0;
    if (text.kind == Kind::answer && row.details != sessions::answer_details(text.response))
      violate(gateway.session, text, "the answer is " + (row.details.empty() ? "unread" : row.details));
    if (text.kind == Kind::reaction && row.body != text.said)
      violate(gateway.session, text, fmt::format("the reaction is '{}', not '{}'", row.body, text.said));
    if (text.kind == Kind::vote && row.details != sessions::vote_details(text.options))
      violate(gateway.session, text, "the vote is " + (row.details.empty() ? "unread" : row.details));
  }

  bool is_event(std::size_t number) const { return ledger_.texts[number].kind == Kind::event; }
  static bool is_closed(const MessageRow& row) { return row.kind == protocol::name(protocol::MessageKind::sealed); }

  /// What came from here happens when the server has it.
  static bool has_happened(const MessageRow& said) { return !said.from_me || said.ack >= AckLevel::server; }

  /// What a message may show: of several edits of one moment any.
  struct Newest {
    std::vector<const Text*> allowed;  // the message itself, or edits
    std::int64_t at = 0;
    void take(const Text& edit, std::int64_t edited_at) {
      if (edited_at > at) allowed.clear();
      if (edited_at >= at) allowed.push_back(&edit);
      at = std::max(at, edited_at);
    }
    const Text* shown(const std::string& words) const {
      const auto found =
          std::find_if(allowed.begin(), allowed.end(), [&](const Text* text) { return words_of(*text) == words; });
      return found == allowed.end() ? nullptr : *found;
    }
    static std::string words_of(const Text& text) {
      if (text.kind == Kind::edit) return text.said;
      return text.shows_text() ? text.body : std::string();
    }
  };

  void check_message(const Gateway& gateway, std::size_t number, const MessageRow& row, const Rows& rows) {
    const Text& text = ledger_.texts[number];
    const auto same = [](const protocol::Jid&) { return protocol::Jid(); };  // whose it is, the ledger knows
    bool revoked = false;
    Newest newest{{&text}};
    for (const std::size_t i : said_about(number)) {
      const auto said = rows.find(i);
      if (said == rows.end() || !is_author_s(i) || !has_happened(said->second)) continue;
      const Text& remark = ledger_.texts[i];
      if (remark.kind == Kind::revoke) revoked = true;
      if (remark.kind != Kind::edit || !sessions::edit_counts(said->second, row, same)) continue;
      newest.take(remark, is_event(number) ? said->second.timestamp : said->second.said_at);
    }
    if (revoked != (row.revoked_at != 0))
      return violate(gateway.session, text, revoked ? "was taken back and is there" : "was not taken back and is gone");
    if (revoked) {
      if (!row.body.empty() || !row.content.empty())
        violate(gateway.session, text, "was taken back and keeps its text");
    } else if (const Text* shown = newest.shown(row.body); shown == nullptr) {
      violate(gateway.session, text,
              fmt::format("shows '{}' instead of '{}'", row.body, Newest::words_of(*newest.allowed.back())));
    } else if (is_event(number)) {
      const auto content = protocol::parse_message(row.content);
      const auto* event = content ? std::get_if<protocol::CalendarEvent>(&content->body) : nullptr;
      const bool told = event != nullptr && row.details == sessions::message_details(*content);
      if (!told || event->starts_at != shown->starts_at || event->cancelled != shown->cancelled)
        violate(gateway.session, text, "is another event than '" + row.body + "'");
    }
    check_pin(gateway, number, row, rows);
  }

  /// The newest by the server's clock counts; of several of one second any.
  void check_pin(const Gateway& gateway, std::size_t number, const MessageRow& row, const Rows& rows) {
    const Text& text = ledger_.texts[number];
    std::int64_t newest = 0;
    std::vector<std::int64_t> allowed{0};
    for (const std::size_t i : said_about(number)) {
      const auto said = rows.find(i);
      const Text& pin = ledger_.texts[i];
      if (pin.kind != Kind::pin || said == rows.end() || !has_happened(said->second)) continue;
      const std::int64_t at = said->second.timestamp;
      if (at > newest) allowed.clear();
      if (at >= newest) allowed.push_back(pin.pins ? at + std::int64_t{pin.seconds} * 1'000 : 0);
      newest = std::max(newest, at);
    }
    if (row.revoked_at != 0) allowed = {0};
    ledger_.counts.pinned += row.pinned_until != 0 ? 1 : 0;
    if (std::find(allowed.begin(), allowed.end(), row.pinned_until) == allowed.end())
      violate(gateway.session, text, fmt::format("is pinned until {}, not {}", row.pinned_until, allowed.back()));
  }

  // --- phones

  using Shown = std::map<std::string, const PhoneMessage*>;  // by id

  void check_phone(const Person& person) {
    Shown shown;
    for (const PhoneMessage& message : world_.phones.find(person.number)->messages()) {
      if (message.status != "failed") shown.emplace(message.id, &message);
    }
    for (std::size_t i = 0; i < ledger_.texts.size(); ++i) {
      const Text& text = ledger_.texts[i];
      const auto message = shown.find(text.id);
      if (message == shown.end()) continue;
      if (is_message(text.kind)) check_shown(person, i, *message->second, shown);
      if (text.kind == Kind::media) check_file(person, text, *message->second);
      if (is_about(text.kind) && shown.contains(ledger_.texts[text.target].id))
        check_said(person, text, *message->second);
    }
  }

  /// About a message that is shown, so that it could be opened.
  void check_said(const Person& person, const Text& text, const PhoneMessage& message) {
    if (message.kind == protocol::name(protocol::MessageKind::sealed))
      return violate(person.number, text, "is still sealed");
    if (text.kind == Kind::vote && message.options != text.options) violate(person.number, text, "the vote is another");
    if (text.kind != Kind::answer) return;
    if (message.answer != sessions::answer_name(text.response.answer) ||
        message.extra_guests != text.response.extra_guests)
      violate(person.number, text, "the answer is another");
  }

  void check_file(const Person& person, const Text& text, const PhoneMessage& message) {
    if (!message.media) return violate(person.number, text, "there is no file");
    if (message.media->state == "ready") {
      const auto sha256 = protocol::to_hex(protocol::sha256(protocol::as_bytes(file_of(text))));
      if (message.media->sha256 != sha256) violate(person.number, text, "the file is another one");
    } else if (message.status != "error" && world_.lost_files.empty() && !world_.phones_failed) {
      violate(person.number, text, "the file is " + message.media->state + ": " + message.media->failure);
    }
  }

  void check_shown(const Person& person, std::size_t number, const PhoneMessage& message, const Shown& shown) {
    const Text& text = ledger_.texts[number];
    bool revoked = false;
    Newest newest{{&text}};
    for (const std::size_t i : said_about(number)) {
      const Text& remark = ledger_.texts[i];
      const auto said = shown.find(remark.id);
      if (said == shown.end() || !is_author_s(i)) continue;
      // The phone shows what it says itself before it is sent, and after it could not be.
      if (remark.kind == Kind::revoke) revoked = true;
      if (remark.kind != Kind::edit) continue;
      if (is_event(number)) {
        newest.take(remark, said->second->timestamp);
        continue;
      }
      const auto at = said_at_.find(i);
      if (at == said_at_.end()) return;  // no session has it any more
      newest.take(remark, at->second);
    }
    if (revoked != message.revoked)
      return violate(person.number, text, revoked ? "was taken back and is shown" : "was not taken back and is gone");
    const Text* as = revoked ? nullptr : newest.shown(message.text);
    if (revoked ? !message.text.empty() : as == nullptr)
      return violate(person.number, text,
                     fmt::format("shows '{}' instead of '{}'", message.text,
                                 revoked ? "" : Newest::words_of(*newest.allowed.back())));
    if (!revoked && is_event(number) && (message.starts_at != as->starts_at || message.cancelled != as->cancelled))
      violate(person.number, text, "is another event than '" + message.text + "'");
    check_pin(person, number, message, shown);
  }

  void check_pin(const Person& person, std::size_t number, const PhoneMessage& message, const Shown& shown) {
    std::int64_t newest = 0;
    std::vector<bool> allowed{false};
    for (const std::size_t i : said_about(number)) {
      const auto said = shown.find(ledger_.texts[i].id);
      if (ledger_.texts[i].kind != Kind::pin || said == shown.end() || said->second->status == "error") continue;
      const std::int64_t at = said->second->timestamp;
      if (at > newest) allowed.clear();
      if (at >= newest) allowed.push_back(ledger_.texts[i].pins);
      newest = std::max(newest, at);
    }
    if (message.revoked) allowed = {false};
    if (std::find(allowed.begin(), allowed.end(), message.pinned) == allowed.end())
      violate(person.number, ledger_.texts[number], message.pinned ? "is pinned" : "is not pinned");
  }

  World& world_;
  Ledger& ledger_;
  std::map<std::size_t, Numbers> about_;            // by target
  std::map<std::size_t, std::int64_t> said_at_;     // of edits and answers: as their message says
  std::map<std::size_t, std::int64_t> accepted_s_;  // by text: when the server had it, unix seconds
};

}  // namespace

void check_views(World& world, Ledger& ledger) { Views(world, ledger).check(); }

}  // namespace wharf::simulation
