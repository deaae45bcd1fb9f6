#include "tests/simulation/checkers.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "sessions/iq_tracker.h"
#include "sessions/key_cache.h"
#include "sessions/mailbox.h"
#include "storage/messages.h"
#include "storage/outbox.h"
#include "storage/read_receipts.h"
#include "storage/statement.h"
#include "tests/simulation/group_checkers.h"
#include "tests/simulation/queue_checkers.h"
#include "tests/simulation/search_checkers.h"
#include "tests/simulation/tally_checkers.h"
#include "tests/simulation/timer_checkers.h"
#include "tests/simulation/view_checkers.h"

namespace wharf::simulation {

using sandbox::PhoneMessage;

namespace {

/// What the log says about one session.
struct Log {
  std::map<std::string, unsigned> messages, sent;  // events by Text::mark()
  std::map<std::string, unsigned> remarks;         // events of what is about a message, by id
  std::map<std::string, std::vector<int>> acks;    // levels by message id, in order
  std::map<std::string, std::string> errors;       // why a message ended as an error
  std::map<std::string, std::vector<std::string>> sent_order, received_order;  // bodies by "from>to" of the text
};

/// An accepted text may end like this, and its `ack` event says so; every other end is a broken promise.
bool may_end(std::string_view error) {
  constexpr std::string_view ends[] = {"logged out", "the chat was deleted", "the message was deleted",
                                       "did not acknowledge the message on", "(429)",
                                       // of a file
                                       "could not be uploaded", "answered 413", "answered 400"};
  return std::any_of(std::begin(ends), std::end(ends),
                     [&](std::string_view end) { return error.find(end) != std::string_view::npos; });
}

/// "g0>2 #17": "g0>2".
std::string lane_of(const std::string& body) { return body.substr(0, body.find(' ')); }

class Check {
 public:
  Check(World& world, Ledger& ledger) : world_(world), ledger_(ledger) {
    for (const Text& text : ledger.texts) {
      if (!text.id.empty()) by_id_.emplace(text.id, &text);
      if (text.kind == Kind::revoke && ledger.texts[text.target].from == text.from)
        taken_back_.insert(&ledger.texts[text.target]);
    }
  }

  void read_log() {
    storage::EventFilter filter;
    filter.limit = 5'000;
    for (;;) {
      const auto page = storage::read_events(world_.daemon.store().reader(), filter);
      if (page.empty()) break;
      for (const storage::Event& event : page) {
        compare(event);
        note(event);
      }
      filter.after = page.back().id;
    }
    if (heard_again_ != ledger_.heard().size())
      violate(fmt::format("{} events were heard, {} of them are in the log", ledger_.heard().size(), heard_again_));
  }

  void check_text(const Text& made) {
    Text text = made;
    // The session keeps nothing of it that it could send to who could not read it at once.
    if (text.by_gateway && is_taken_back(made)) {
      const std::string why = "it was taken back";
      if (text.phone_excuse.empty()) text.phone_excuse = why;
      if (text.own_phone_excuse.empty()) text.own_phone_excuse = why;
      for (std::size_t i = 0; i < ledger_.gateways.size(); ++i) {
        if (i != text.via && text.copies[i].excuse.empty()) text.copies[i].excuse = why;
      }
    }
    const Person& from = ledger_.persons[text.from];
    const Person& to = ledger_.persons[text.to];
    std::string error;
    if (text.by_gateway) {
      if (!text.settled()) return violate("never answered: " + text.body);
      const Log& log = logs_[ledger_.gateways[text.via].session];
      if (const auto ended = log.errors.find(text.id); ended != log.errors.end()) error = ended->second;
      if (!error.empty() && !may_end(error) && !may_end_in_queue(text, error))
        violate(fmt::format("{} ended as: {}", text.body, error));
      if (text.told_ahead && error.find("(429)") != std::string::npos)
        violate(fmt::format("{} was told to be at the server and ended as: {}", text.body, error));
      if (text.accepted && !text.given_up) check_queue(world_, ledger_, text, error);
      expect_own(text, log, error);
      if (ended_in_queue(text, error) && shown(from.number, text) + shown(to.number, text) > 0)
        violate(fmt::format("{} ({}) ended in the queue ({}) and is on a phone", text.body, text.id, error));
      expect("own phone", text, shown(from.number, text), error.empty() ? text.own_phone_excuse : error);
    } else {
      error = sending_failure(from.number, text);
    }
    expect("recipient's phone", text, shown(to.number, text), error.empty() ? text.phone_excuse : error);
    for (std::size_t i = 0; i < ledger_.gateways.size(); ++i) check_copy(text, i, error);
    if (text.by_gateway && text.accepted) check_acks(text, error);
    if (text.read_promised && status_at(from.number, text.id) != "read")
      violate(fmt::format("{} was marked read, its sender sees '{}'", text.body, status_at(from.number, text.id)));
  }

  /// All of them, or none. What is scheduled is told one by one.
  void check_several(const Text& first) {
    simulation::check_several(ledger_, first);
    if (first.send_at != 0) return;
    const Log& log = logs_[ledger_.gateways[first.via].session];
    for (const std::size_t other : first.others) {
      const Text& text = ledger_.texts[other];
      if (count(log.sent, text.mark()) != count(log.sent, first.mark()))
        violate(fmt::format("{} was taken over, {} of the same request otherwise", first.body, text.body));
    }
  }

  void check_order() {
    for (auto& [session, log] : logs_) {
      for (const auto& [lane, bodies] : log.sent_order) {
        // What it sent itself; others of the same person have lanes of their own.
        if (lane.front() != 'g' || ledger_.gateways[std::stoul(lane.substr(1))].session != session) continue;
        const std::size_t to = std::stoul(lane.substr(lane.find('>') + 1));
        expect_order("on the phone of " + ledger_.persons[to].number, bodies, shown_order(to, lane));
      }
      for (const auto& [lane, bodies] : log.received_order) {
        if (lane.front() != 'p') continue;
        std::vector<std::string> typed;
        for (const Text& text : ledger_.texts) {
          if (lane_of(text.body) == lane) typed.push_back(text.body);
        }
        expect_order("in the log of " + session, typed, bodies);
      }
    }
  }

 private:
  void violate(std::string what) { ledger_.violate(std::move(what)); }
  bool is_taken_back(const Text& text) const {
    return taken_back_.contains(&text) ||
           (text.target != Text::nothing && taken_back_.contains(&ledger_.texts[text.target]));
  }
  static unsigned count(const std::map<std::string, unsigned>& by_body, const std::string& body) {
    const auto found = by_body.find(body);
    return found == by_body.end() ? 0 : found->second;
  }

  /// Of the text in a session that did not send it.
  void check_copy(const Text& text, std::size_t number, const std::string& error) {
    if (text.kind == Kind::timer) return;  // what is kept of it: timer_checkers.h
    const Gateway& gateway = ledger_.gateways[number];
    const bool received = gateway.person == text.to;
    if (!received && (gateway.person != text.from || (text.by_gateway && text.via == number))) return;
    const Log& log = logs_[gateway.session];
    unsigned times = times_there(text, gateway, received);
    const auto found = text.copies.find(number);
    const Copy copy = found == text.copies.end() ? Copy() : found->second;
    // Once more is once, where everything that knew the text was given away between the two.
    if (copy.forgotten(ledger_.persons[text.from])) times = std::min(times, 1u);
    std::string excuse = error.empty() ? copy.excuse : error;
    if (excuse.empty() && gateway.retired) excuse = "its device was given up";
    if (excuse.empty() && !text.is_told() && copy.removed) excuse = "it was deleted";
    expect(fmt::format("{} of {}", what_tells(text, received), gateway.session), text, times, excuse);
    if (!copy.removed && count(log.remarks, text.id) > 1)
      violate(fmt::format("{} ({}) was told {} times by {}", text.body, text.id, count(log.remarks, text.id),
                          gateway.session));
    if (text.sealed && text.kind == Kind::reaction && count(log.remarks, text.id) == 0 &&
        is_open(text, gateway, received))
      violate(fmt::format("{} ({}) was opened by {} and not told", text.body, text.id, gateway.session));
  }

  bool is_open(const Text& text, const Gateway& gateway, bool received) {
    const auto view = world_.daemon.supervisor().find(gateway.session);
    if (!view) return false;
    const auto row = storage::find_message_by_id(world_.daemon.store().reader(), view->id, text.id, !received);
    return row && row->kind == protocol::name(protocol::MessageKind::reaction);
  }

  void compare(const storage::Event& event) {
    const auto heard = ledger_.heard().find(event.id);
    if (heard == ledger_.heard().end()) return;  // its life ended between the commit and its completion
    ++heard_again_;
    if (heard->second.name != event.name || heard->second.data != event.data)
      violate(fmt::format("event {} was heard as another one", event.id));
  }

  void note(const storage::Event& event) {
    Log& log = logs_[event.session_name];
    if (event.name == "ack") {
      const auto data = boost::json::parse(event.data);
      const std::string id(data.at("id").as_string());
      log.acks[id].push_back(static_cast<int>(data.at("ack").as_int64()));
      if (log.acks[id].back() < 0) {
        const auto* error = data.as_object().if_contains("error");
        log.errors[id] = error ? std::string(error->as_string()) : "ended as an error";
      }
    } else if (event.name == "message" || event.name == "message.sent") {
      const auto data = boost::json::parse(event.data);
      const std::string id(data.at("id").as_string());
      std::string body(data.at("body").as_string());
      const bool received = event.name == "message";
      ++(received ? log.messages : log.sent)[body.empty() ? id : body];
      if (const auto known = by_id_.find(id); known != by_id_.end()) body = known->second->body;
      const std::string lane = lane_of(body);
      (received ? log.received_order : log.sent_order)[lane].push_back(std::move(body));
    } else if (event.name == "reaction" || event.name == "message.edited" || event.name == "message.revoked" ||
               event.name == "poll.vote" || event.name == "event.answer" || event.name == "message.pinned") {
      ++log.remarks[std::string(boost::json::parse(event.data).at("id").as_string())];
    }
  }

  static std::string what_tells(const Text& text, bool received) {
    if (!text.is_told()) return fmt::format("the row of the {}", name(text.kind));
    if (text.kind == Kind::reaction) return "event reaction";
    return received ? "event message" : "event message.sent";
  }
  unsigned times_there(const Text& text, const Gateway& gateway, bool received) {
    const Log& log = logs_[gateway.session];
    if (text.is_told() && text.kind == Kind::reaction) return count(log.remarks, text.id);
    if (text.is_told()) return count(received ? log.messages : log.sent, text.mark());
    const auto view = world_.daemon.supervisor().find(gateway.session);
    return view && storage::find_message_by_id(world_.daemon.store().reader(), view->id, text.id, !received) ? 1 : 0;
  }
  /// In the session that was asked to send it.
  void expect_own(const Text& text, const Log& log, const std::string& error) {
    const Gateway& gateway = ledger_.gateways[text.via];
    const auto copy = text.copies.find(text.via);
    std::string excuse = text.accepted ? "" : text.own_phone_excuse;
    // Until its time comes no event tells of it.
    if (text.send_at != 0) excuse = error.empty() ? text.own_phone_excuse : error;
    if (!text.is_told() && (gateway.retired || (copy != text.copies.end() && copy->second.removed)))
      excuse = "it was deleted";
    expect(what_tells(text, false), text, times_there(text, gateway, false), excuse);
    if (count(log.remarks, text.id) > 1)
      violate(
          fmt::format("{} ({}) was told {} times where it was sent", text.body, text.id, count(log.remarks, text.id)));
  }

  /// Once; with an excuse at most once; never when it could not be said.
  void expect(std::string_view where, const Text& text, unsigned times, const std::string& excuse) {
    if (text.refused ? times == 0 : times == 1 || (times == 0 && !excuse.empty())) return;
    violate(fmt::format("{} ({}): {} times at: {}{}", text.body, text.id, times, where,
                        excuse.empty() ? "" : " (" + excuse + ")"));
  }

  void expect_order(const std::string& where, const std::vector<std::string>& said,
                    const std::vector<std::string>& seen) {
    std::map<std::string, std::size_t> place;
    for (std::size_t i = 0; i < said.size(); ++i) place[said[i]] = i;
    std::size_t last = 0;
    for (const std::string& body : seen) {
      if (place[body] < last) violate(fmt::format("{} comes too late {}", body, where));
      last = std::max(last, place[body]);
    }
  }

  const std::map<std::string, std::vector<const PhoneMessage*>>& shown_by(const std::string& number) {
    auto& shown = phones_[number];
    if (shown.empty()) {
      for (const PhoneMessage& message : world_.phones.find(number)->messages()) {
        if (message.status == "failed") continue;
        const auto known = by_id_.find(message.id);
        shown[known != by_id_.end() ? known->second->mark() : message.text].push_back(&message);
      }
    }
    return shown;
  }
  unsigned shown(const std::string& number, const Text& text) {
    const auto& all = shown_by(number);
    const auto found = all.find(text.mark());
    return found == all.end() ? 0 : static_cast<unsigned>(found->second.size());
  }
  std::vector<std::string> shown_order(std::size_t person, const std::string& lane) const {
    std::vector<std::string> bodies;
    for (const PhoneMessage& message : world_.phones.find(ledger_.persons[person].number)->messages()) {
      const auto known = by_id_.find(message.id);
      if (known == by_id_.end() || !is_message(known->second->kind)) continue;
      if (lane_of(known->second->body) == lane) bodies.push_back(known->second->body);
    }
    return bodies;
  }
  const PhoneMessage* own(const std::string& number, const std::string& id) {
    auto& sent = sent_by_[number];
    if (sent.empty()) {
      for (const PhoneMessage& message : world_.phones.find(number)->messages()) {
        if (message.from_me) sent[message.id] = &message;
      }
    }
    const auto found = sent.find(id);
    return found == sent.end() ? nullptr : found->second;
  }
  std::string status_at(const std::string& number, const std::string& id) {
    const PhoneMessage* message = own(number, id);
    return message ? message->status : "gone";
  }
  std::string sending_failure(const std::string& number, const Text& text) {
    const PhoneMessage* message = own(number, text.id);
    return message && message->status == "error" ? message->failure : "";
  }

  void check_acks(const Text& text, const std::string& error) {
    const auto& levels = logs_[ledger_.gateways[text.via].session].acks[text.id];
    int highest = 0;
    for (const int level : levels) {
      if (level < highest && level != -1)
        violate(fmt::format("{} ({}): its ack fell from {} to {}", text.body, text.id, highest, level));
      highest = std::max(highest, level);
    }
    if (!error.empty()) {
      // What the recipient has confirmed did not fail.
      if (levels.back() == -1 && highest >= 2)
        violate(fmt::format("{} ({}): its ack fell from {} to: {}", text.body, text.id, highest, error));
    } else if (highest < 2 && text.phone_excuse.empty()) {
      violate(fmt::format("{} ({}): its ack stays at {}", text.body, text.id, highest));
    }
  }

  World& world_;
  Ledger& ledger_;
  std::map<std::string, const Text*> by_id_;
  std::set<const Text*> taken_back_;
  std::map<std::string, Log> logs_;  // by session
  std::map<std::string, std::map<std::string, std::vector<const PhoneMessage*>>> phones_;
  std::map<std::string, std::map<std::string, const PhoneMessage*>> sent_by_;
  std::size_t heard_again_ = 0;
};

}  // namespace

namespace {

/// Of a session whose device was given up: it has ended, or does not exist any more.
std::string what_keeps(World& world, const Gateway& gateway) {
  const auto view = world.daemon.supervisor().find(gateway.session);
  if (gateway.deleted || !view) return view ? gateway.session + " is there again" : "";
  if (view->status != sessions::Status::failed && view->status != sessions::Status::terminated)
    return gateway.session + " has lost its device and goes on";
  // Failed or stopped before for another reason: it does not know.
  if (view->reason && view->reason->code == "unlinked" && view->queued > 0)
    return fmt::format("{} has lost its device and keeps {} texts", gateway.session, view->queued);
  return "";
}

std::string what_waits(World& world, const Person& person, const Gateway& gateway) {
  auto& reader = world.daemon.store().reader();
  if (gateway.retired) return what_keeps(world, gateway);
  const auto view = world.daemon.supervisor().find(gateway.session);
  if (!view || view->status != sessions::Status::ready) return gateway.session + " is not ready";
  if (view->queued > 0) return fmt::format("{} has {} texts without an ack", gateway.session, view->queued);
  if (const auto rows = storage::load_outbox(reader, view->id); !rows.empty())
    return fmt::format("{} has {} rows in its outbox", gateway.session, rows.size());
  if (const auto rows = storage::load_read_receipts(reader, view->id); !rows.empty())
    return fmt::format("{} has {} read receipts without an ack", gateway.session, rows.size());
  // Devices that a session had before it was logged out while nobody could be told stay for ever.
  if (const std::size_t queued = world.network.queue_length({person.number, view->jid.device}); queued > 0)
    return fmt::format("{} stanzas wait for {}", queued, gateway.session);
  return "";
}

}  // namespace

namespace {

/// Of the vault: what is not to be uploaded any more, and what nobody finished.
/// A session that was given up, and does not know, may keep rows whose files wait with them.
std::string what_is_left(World& world) {
  std::set<std::string> waiting;
  for (const protocol::Bytes& name : storage::pending_uploads(world.daemon.store().reader()))
    waiting.insert(protocol::to_hex(name));
  for (const char* directory : {"outgoing", "writing"}) {
    std::error_code failed;
    const std::filesystem::directory_iterator files(world.vault_directory() + "/" + directory, failed);
    if (failed) return std::string(directory) + " cannot be read";
    for (const auto& file : files) {
      const std::string name = file.path().filename().string();
      if (!waiting.contains(name)) return fmt::format("a file is left in {}: {}", directory, name);
    }
  }
  return "";
}

}  // namespace

std::string what_waits(World& world, const Ledger& ledger) {
  for (const Gateway& gateway : ledger.gateways) {
    if (auto waits = what_waits(world, ledger.persons[gateway.person], gateway); !waits.empty()) return waits;
  }
  for (const Person& person : ledger.persons) {
    if (const std::size_t queued = world.network.queue_length({person.number, 0}); queued > 0)
      return fmt::format("{} stanzas wait for the phone {}", queued, person.number);
    for (const PhoneMessage& message : world.phones.find(person.number)->messages()) {
      if (message.from_me && message.device == 0 && message.status == "pending")
        return fmt::format("{} has not sent '{}'", person.number, message.text);
      if (message.media && message.media->state == "loading" && message.status != "error")
        return fmt::format("{} still loads '{}'", person.number, message.text);
    }
  }
  if (world.daemon.folder() != nullptr && world.daemon.folder()->busy()) return "the folder has something to do";
  return what_is_left(world);
}

void check_bounds(World& world, Ledger& ledger) {
  using sessions::Holdings;
  struct Bound {
    const char* what;
    std::size_t held, most;
  };
  if (!world.daemon.running()) return;
  const std::size_t people = ledger.persons.size(), circles = ledger.groups.circles.size();
  for (const Gateway& gateway : ledger.gateways) {
    const auto found = world.daemon.supervisor().holdings(gateway.session);
    if (!found) continue;
    const Holdings& held = *found;
    // What only the end of a turn trims is looked at between turns. Requests are not counted by the mailbox: there are
    // a few of each user.
    const auto trimmed = [&](std::size_t number) { return held.in_turn ? 0 : number; };
    const Bound bounds[] = {
        {"inputs", held.inputs, sessions::Mailbox::full_at + 4 * people + 64},
        {"bytes of inputs", held.input_bytes, sessions::Mailbox::full_at_bytes + (1u << 20)},
        {"outgoing messages", held.queued, world.daemon.max_queued_messages()},
        {"sealed stanzas", held.in_flight, sessions::SessionSettings().max_in_flight},
        {"bytes of sealed stanzas", held.in_flight_bytes, sessions::SessionSettings().max_in_flight_bytes + (1u << 20)},
        {"chats that wait", held.lanes, std::min(held.queued, 2 * people + circles) + people + circles},
        {"read receipts", held.read_receipts, 1'000},
        {"queries", held.queries, sessions::IqTracker::max_pending},
        {"ratchets", trimmed(held.ratchets), sessions::KeyCache::kept_records},
        {"people", trimmed(held.people), 32},
        {"device lists", trimmed(held.device_lists), 32},
        {"unreachable devices", trimmed(held.unreachable_devices), 256},
    };
    for (const Bound& bound : bounds) {
      if (bound.held > bound.most)
        ledger.violate(fmt::format("{} holds {} {} in memory, {} are allowed, at {}", gateway.session, bound.held,
                                   bound.what, bound.most, clock_text(world.time.now())));
    }
  }
}

void check_promises(World& world, Ledger& ledger, bool orderly) {
  Check check(world, ledger);
  check.read_log();
  for (const Text& text : ledger.texts) check.check_text(text);
  check_queue_order(ledger);
  for (const Text& text : ledger.texts) {
    if (!text.others.empty()) check.check_several(text);
  }
  check_views(world, ledger);
  check_timers(world, ledger);
  check_tallies(world, ledger);
  check_search(world, ledger);
  check_groups(world, ledger, orderly);
  if (orderly) check.check_order();
  if (const auto reused = world.network.stats().reused_message_keys; reused != 0)
    ledger.violate(fmt::format("{} message keys were used twice", reused));
  auto anew = world.network.stats().sealed_anew_for_groups;
  for (const auto& [device, changed] : world.network.stats().changed_resends) {
    if (changed == anew[device]) continue;
    ledger.violate(fmt::format("{}:{} sent {} messages again with other bytes", device.phone, device.device, changed));
  }
}

void check_file(World& world, Ledger& ledger) {
  auto& reader = world.daemon.store().reader();
  storage::Statement integrity(reader, "PRAGMA integrity_check");
  while (integrity.next()) {
    if (const std::string line = integrity.text(); line != "ok") ledger.violate("integrity_check: " + line);
  }
  storage::Statement foreign(reader, "PRAGMA foreign_key_check");
  while (foreign.next()) ledger.violate("foreign_key_check: a row of " + foreign.text());
}

}  // namespace wharf::simulation
