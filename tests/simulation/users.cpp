#include "tests/simulation/users.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "storage/messages.h"
#include "tests/simulation/contents.h"
#include "tests/simulation/group_users.h"

namespace wharf::simulation {

using protocol::Errc;
using protocol::Jid;
using protocol::Result;
using sessions::SentMessage;
using sessions::SessionView;
using sessions::Status;
using std::chrono::milliseconds;
using std::chrono::seconds;

Users::Users(World& world, Ledger& ledger, Size size) : world_(world), ledger_(ledger), size_(size) {
  world.daemon.on_http = [&ledger](const std::string& method, const std::string& target) {
    if (method != "POST") return;
    const std::string path = target.substr(0, target.find('?'));
    ledger.note_upload(path.substr(path.rfind('/') + 1));
  };
  world.daemon.on_change = [this, &world, &ledger](storage::Database& db, const storage::Change& change) {
    if (in_groups_) in_groups_->note(change);
    ledger.queue.note(world.time.now(), change);
    ledger.timers.note(db, change);
    world.file_record.note(db, change);
  };
  ledger.queue.note_clock(world.time.now(), world.daemon.unix_ms());
  // It may have been set while the job that removes was on its way.
  world.on_removed = [&world, &ledger](const std::string& path, std::int64_t used_ms) {
    const Micros now = world.time.now(), before = std::max(now, Micros(seconds(1))) - seconds(1);
    world.file_record.note_removal(path, used_ms, ledger.queue.latest(before, now));
  };
}

Users::~Users() = default;

void Users::start() {
  for (std::size_t i = 0; i < size_.sessions + size_.contacts; ++i) {
    Person person;
    person.number = fmt::format("1555000{:04}", i);
    if (const auto phone = world_.phones.create(person.number, fmt::format("Person {}", i)); !phone) {
      ledger_.violate("a phone could not be made: " + phone.error().detail);
    }
    ledger_.persons.push_back(std::move(person));
  }
  owners_.resize(size_.sessions);
  habits_ = draw_habits(world_);
  for (std::size_t i = 0; i < size_.sessions; ++i) {
    ledger_.add_gateway(i, fmt::format("s{}", i));
    look_after(i);
  }
  sending_ = true;
  next_text();
  if (!habits_.grouping) return;
  in_groups_ = std::make_unique<GroupUsers>(world_, ledger_, *this);
  constexpr std::size_t texts_for_one_in_a_group = 4;
  in_groups_->start(std::chrono::duration_cast<milliseconds>(size_.traffic) * texts_for_one_in_a_group / size_.texts);
}

void Users::stop_traffic() {
  sending_ = false;
  if (in_groups_) in_groups_->stop_traffic();
}

sandbox::Phone& Users::phone(std::size_t person) { return *world_.phones.find(ledger_.persons[person].number); }

bool Users::all_answered() const {
  if (in_groups_ && !in_groups_->all_answered()) return false;
  return std::all_of(ledger_.texts.begin(), ledger_.texts.end(),
                     [](const Text& text) { return !text.by_gateway || text.settled(); });
}

bool Users::all_ready() const {
  if (!world_.daemon.running()) return false;
  for (std::size_t i = 0; i < owners_.size(); ++i) {
    if (ledger_.gateways[i].retired) continue;
    const auto view = world_.daemon.supervisor().find(ledger_.gateways[i].session);
    if (!view || view->status != Status::ready || owners_[i].stopped) return false;
  }
  return true;
}

void Users::next_text() {
  if (all_sent()) return;
  // Exponential pauses with a burst now and then: both an idle and a busy queue.
  const double mean_ms =
      std::chrono::duration<double, std::milli>(size_.traffic).count() / static_cast<double>(size_.texts);
  const double uniform = (draw(1'000'000) + 1) / 1'000'001.0;
  // Nobody says anything for a while: connections go idle.
  const std::int64_t lull_ms = draw(120) == 0 ? 15'000 + draw(30'000) : 0;
  later(milliseconds(static_cast<std::int64_t>(-std::log(uniform) * mean_ms) + lull_ms), [this] { next_text(); });
  if (lull_ms > 0) {
    for (std::size_t i = 0; i < ledger_.gateways.size(); ++i) send_when_due(i, 40);
  }
  const auto& gateways = ledger_.gateways;
  if (std::none_of(gateways.begin(), gateways.end(), [](const Gateway& gateway) { return gateway.linked; })) return;
  const std::size_t fetcher = world_.kinds.below(static_cast<std::uint32_t>(gateways.size()));
  if (world_.kinds.below(15) == 0 && !gateways[fetcher].retired) fetch_something(fetcher);
  if (habits_.tidying && world_.tidying.below(5) == 0)
    tidy(world_.tidying.below(static_cast<std::uint32_t>(gateways.size())));
  if (habits_.timing && world_.timing.below(12) == 0) set_timer();
  if (habits_.planning && world_.planning.below(8) == 0) plan();
  const unsigned roll = draw(100);
  const std::size_t session = draw(static_cast<std::uint32_t>(size_.sessions));
  if (roll < 50) {
    const std::size_t to = other_person(session);
    const auto via = any_gateway(session);
    for (unsigned i = draw(25) == 0 ? 12 : 1; via && i > 0 && !all_sent(); --i) send_by_gateway(*via, to);
  } else if (roll < 90) {
    const std::size_t from = draw(static_cast<std::uint32_t>(ledger_.persons.size()));
    std::size_t to = draw(4) == 0 ? other_person(from) : session;
    if (to == from) to = other_person(from);
    for (unsigned i = draw(25) == 0 ? 12 : 1; i > 0 && !all_sent(); --i) send_by_phone(from, to);
  } else if (roll < 92) {
    if (const auto via = any_gateway(session)) send_when_due(*via, 10);
  } else if (roll < 97) {
    const std::size_t other = other_person(session);
    if (const auto reader = any_gateway(session)) mark_read(*reader, other);
  } else {
    const std::size_t reader = draw(static_cast<std::uint32_t>(ledger_.persons.size()));
    if (phone(reader).powered()) (void)phone(reader).read(ledger_.persons[other_person(reader)].number);
  }
}

std::size_t Users::other_person(std::size_t than) {
  const auto drawn = draw(static_cast<std::uint32_t>(ledger_.persons.size() - 1));
  return drawn < than ? drawn : drawn + 1;
}

// A stream of its own: with and without devices that come and go, a seed has the same traffic.
std::optional<std::size_t> Users::any_gateway(std::size_t person) {
  const auto found = ledger_.gateways_of(person);
  if (found.empty()) return std::nullopt;
  return found.size() == 1 ? found[0] : found[world_.devices.below(static_cast<std::uint32_t>(found.size()))];
}

std::string Users::new_body(std::string_view mark, std::size_t from, std::size_t to) {
  return fmt::format("{}{}>{} #{}", mark, from, to, ++last_body_);
}

void Users::note_readers(Text& text, bool from_stale_lists) const {
  for (const std::size_t side : {text.from, text.to}) {
    for (const std::size_t gateway : ledger_.gateways_of(side)) {
      const Gateway& reader = ledger_.gateways[gateway];
      Copy& copy = text.copies[gateway];
      if (!reader.linked) {
        copy.excuse = "the session was not linked yet";
      } else if (from_stale_lists && reader.linked_at > Micros(seconds(10)) &&
                 world_.time.now() < reader.linked_at + seconds(120)) {
        copy.excuse = "the session was linked a moment ago";
      }
    }
  }
}

bool Users::shows(std::size_t person, const Text& text) {
  constexpr std::ptrdiff_t looked_at = 400;
  const auto& all = phone(person).messages();
  const auto end = all.rbegin() + std::min(looked_at, all.rend() - all.rbegin());
  return std::any_of(all.rbegin(), end, [&](const sandbox::PhoneMessage& message) {
    return message.id == text.id && message.target.empty() && message.status != "failed";
  });
}

bool Users::shows_in(std::size_t gateway, const Text& text) const {
  const auto copy = text.copies.find(gateway);
  return ledger_.told(ledger_.gateways[gateway].session, text) &&
         (copy == text.copies.end() || !copy->second.removed) && (!text.by_gateway || text.accepted);
}

void Users::choose(Text& text, const Wish& wish, const Sees& sees) {
  if (wish.about != Text::nothing) return choose_remark(text, wish.about, ledger_, world_.kinds);
  if (wish.kind == Kind::timer) return choose_timer(text, world_.timing);
  if (wish.kind) text.kind = *wish.kind;
  else choose_content(text, ledger_, world_.kinds, sees);
}

std::string Users::named(const Text& text) const {
  std::string named = fmt::format("{}{} {}", text.sealed ? "sealed " : "", name(text.kind), text.body);
  if (!is_about(text.kind)) return named;
  const Text& target = ledger_.texts[text.target];
  return named + fmt::format(" about {} {} ({})", name(target.kind), target.body, target.id);
}

void Users::send_by_phone(std::size_t from, std::size_t to, const Wish& wish) {
  Text text;
  text.from = from;
  text.to = to;
  text.body = new_body("p", from, to);
  choose(text, wish, [&](std::size_t i) { return shows(from, ledger_.texts[i]); });
  note_readers(text, !phone(from).powered());
  text.made_at = world_.time.now();
  text.said_at = world_.time.unix_ms();
  world_.trace.note("phone", "sends " + named(text));
  const auto sent = phone(from).send(as_typed(text, ledger_));
  if (!sent) return ledger_.violate("a phone could not send: " + sent.error().detail);
  text.id = *sent;
  ledger_.texts.push_back(std::move(text));
  remark_on(ledger_.texts.size() - 1);
}

// So it can come before the message, wherever the copy of that is late.
void Users::remark_on(std::size_t number) {
  auto& random = world_.kinds;
  const Text& text = ledger_.texts[number];
  if (!is_message(text.kind) || all_sent() || random.below(6) != 0) return;
  if (text.by_gateway && ledger_.gateways[text.via].retired) return;  // given up while the answer was out
  if (overtaking_ && random.below(2) == 0) world_.network.faults().corrupt_messages += 1 + random.below(3);
  const unsigned times = 1 + random.below(3) / 2;
  for (unsigned i = 0; i < times && !all_sent(); ++i) {
    const auto [from, to, via] =
        std::tuple(ledger_.texts[number].from, ledger_.texts[number].to, ledger_.texts[number].via);
    ledger_.texts[number].by_gateway ? send_by_gateway(via, to, {number}) : send_by_phone(from, to, {number});
  }
}

void Users::send_by_gateway(std::size_t via, std::size_t to, const Wish& wish) {
  Text text;
  text.from = ledger_.gateways[via].person;
  text.to = to;
  text.by_gateway = true;
  text.via = via;
  text.body = new_body("g", via, to);
  note_readers(text, true);
  text.copies[via].excuse.clear();
  text.idempotency_key = "key " + text.body;
  choose(text, wish, [&](std::size_t i) { return shows_in(via, ledger_.texts[i]); });
  // What shows no text is found by its id, so that has to be known.
  if (draw(4) == 0 || !text.shows_text())
    text.id = text.chosen_id.emplace(fmt::format("3EB0CAFE{:08}", ledger_.texts.size()));
  text.made_at = world_.time.now();
  choose_place(text);
  ledger_.texts.push_back(std::move(text));
  const std::size_t number = ledger_.texts.size() - 1;
  add_others(number);
  ask(number);
}

void Users::send_when_due(std::size_t gateway, unsigned tries) {
  if (tries == 0 || !sending_ || !world_.daemon.running() || ledger_.gateways[gateway].retired) return;
  const auto held = world_.daemon.supervisor().holdings(ledger_.gateways[gateway].session);
  if (!held || !held->due) return;
  const auto wait = std::chrono::duration_cast<Micros>(*held->due - world_.time.steady()) + Micros(draw(400));
  if (wait > seconds(60)) return;
  world_.surroundings.after(std::max(wait, Micros(0)), [this, gateway, tries] {
    if (all_sent() || !world_.daemon.running() || ledger_.gateways[gateway].retired) return;
    const auto now_held = world_.daemon.supervisor().holdings(ledger_.gateways[gateway].session);
    if (!now_held || !now_held->due) return;
    if (*now_held->due > world_.time.steady()) return send_when_due(gateway, tries - 1);
    world_.trace.note("user", fmt::format("sends while {} has something to do", ledger_.gateways[gateway].session));
    send_by_gateway(gateway, other_person(ledger_.gateways[gateway].person));
  });
}

void Users::ask(std::size_t number) {
  Text& text = ledger_.texts[number];
  if (text.settled()) return;
  if (!world_.daemon.running()) return later(milliseconds(50 + draw(1'000)), [this, number] { ask(number); });
  for (const std::size_t part : request_of(number)) {
    Text& asked = ledger_.texts[part];
    if (asked.asked++ == 0) asked.earliest_ms = asked.latest_ms = world_.daemon.unix_ms();
    see_clock(asked);
  }
  if (text.given_up) return;
  world_.trace.note("user", fmt::format("asks for {} ({})", named(text), text.asked));
  // A client has little patience now and then; who was not answered for that long repeats the same request.
  const auto patience = draw(20) == 0 ? milliseconds(5 + draw(200)) : milliseconds(5'000 + draw(5'000));
  later(patience, [this, number] { ask(number); });
  if (!text.others.empty()) return ask_for_several(number);
  text.kind == Kind::media ? ask_with_file(number) : tell(number, as_command(text, ledger_), std::nullopt);
}

sessions::SendMessage Users::request_for(const Text& text, sessions::Sendable content) const {
  sessions::SendMessage request;
  request.chat = Jid(ledger_.persons[text.to].number, protocol::server::user);
  request.content = std::move(content);
  if (text.first == Text::nothing) {
    request.message_id = text.chosen_id;
    request.idempotency_key = text.idempotency_key;
    request.request_hash = text.body;
  }
  request.send_at = text.send_at;
  request.expires_at = text.expires_at;
  request.priority = text.priority;
  return request;
}

void Users::tell(std::size_t number, sessions::Sendable content, std::optional<sessions::MediaName> file) {
  const Text& text = ledger_.texts[number];
  world_.daemon.supervisor().tell(
      ledger_.gateways[text.via].session, request_for(text, std::move(content)),
      of_this_life<SentMessage>([this, number, file](const sessions::Outcome<SentMessage>& answer) {
        // Not taken over. What ended unanswered may have been.
        const bool left = answer ? answer->replayed : answer.error().code != Errc::closed;
        if (file && left) world_.daemon.vault().drop(*file);
        if (answer) on_answer(number, *answer);
        else on_answer(number, Result<SentMessage>(protocol::Error(answer.error().code, answer.error().detail)));
      }));
}

void Users::see_clock(Text& text) {
  // The lifetime is a day; what the clock goes on by itself in a world is far less than an hour short of that.
  constexpr milliseconds patience = std::chrono::hours(23);
  text.earliest_ms = std::min(text.earliest_ms, world_.daemon.unix_ms());
  text.latest_ms = std::max(text.latest_ms, world_.daemon.unix_ms());
  if (text.latest_ms - text.earliest_ms <= patience.count()) return;
  world_.trace.note("user", "gives up " + text.body);
  ledger_.excuse_given_up(text, "the lifetime of its idempotency key was over");
}

void Users::see_clock() {
  ledger_.queue.note_clock(world_.time.now(), world_.daemon.unix_ms());
  if (in_groups_) in_groups_->see_clock();
  for (Text& text : ledger_.texts) {
    if (text.by_gateway && text.asked > 0 && !text.settled()) see_clock(text);
  }
}

bool Users::somebody_repeats() const {
  if (in_groups_ && in_groups_->somebody_repeats()) return true;
  return std::any_of(ledger_.texts.begin(), ledger_.texts.end(),
                     [](const Text& text) { return text.by_gateway && text.asked > 1 && !text.settled(); });
}

void Users::on_answer(std::size_t number, const Result<SentMessage>& answer) {
  Text& text = ledger_.texts[number];
  if (!answer) {
    // It is not made yet, or was deleted.
    const bool no_session =
        answer.error().code == Errc::not_found && (!owners_[text.via].created || ledger_.gateways[text.via].retired);
    if (is_about(text.kind) && !no_session &&
        (answer.error().code == Errc::not_found || answer.error().code == Errc::unsupported))
      return on_refused(text, answer.error());
    if (answer.error().code == Errc::malformed && in_past(text)) {
      // Refused before a repetition that was accepted would be: nothing of it is there.
      for (const std::size_t part : request_of(number)) {
        Text& asked = ledger_.texts[part];
        asked.refused = !asked.settled();
      }
      return;
    }
    if (!passes(answer.error().code) && !no_session)
      ledger_.violate(fmt::format("{}: {} {}", text.body, protocol::name(answer.error().code), answer.error().detail));
    return;
  }
  world_.trace.note("user", fmt::format("is told that {} is {}", text.body, answer->id));
  if (text.accepted && text.id != answer->id)
    ledger_.violate(fmt::format("{} was accepted as {} and as {}", text.body, text.id, answer->id));
  if (text.chosen_id && answer->id != *text.chosen_id)
    ledger_.violate(fmt::format("{} chose {} and got {}", text.body, *text.chosen_id, answer->id));
  text.id = answer->id;
  if (std::exchange(text.accepted, true)) return;
  if (habits_.queueing) plan_withdrawal(number);
  if (text.send_at != 0) return;  // nothing can be said about it yet
  if (number % 3 == 0) await_ack(number);
  remark_on(number);
}

void Users::on_refused(Text& text, const protocol::Error& why) {
  if (text.settled()) return;
  const Text& target = ledger_.texts[text.target];
  const auto copy = target.copies.find(text.via);
  const bool gone = target.may_be_gone || (copy != target.copies.end() && copy->second.removed);
  // A clock that jumped makes a message old, or a session's own rows of another day.
  const bool too_late = text.kind == Kind::edit &&
                        (world_.clocks_jumped || world_.time.now() - target.made_at > std::chrono::minutes(15));
  const bool called_off = text.kind == Kind::answer && ledger_.was_cancelled(text.target);
  const bool impossible = ledger_.was_revoked(text.target) || ledger_.failed(target) || too_late || called_off;
  if (why.code == Errc::not_found ? !gone : !impossible)
    ledger_.violate(fmt::format("{} {} about {}: {}", name(text.kind), text.body, target.body, why.detail));
  world_.trace.note("user", fmt::format("cannot send {}: {}", text.body, why.detail));
  // Who asked before may have been heard.
  if (text.asked > 1) return ledger_.excuse_given_up(text, "it was asked for again when that was gone");
  text.refused = true;
}

void Users::await_ack(std::size_t number) {
  auto& supervisor = world_.daemon.supervisor();
  const std::size_t via = ledger_.texts[number].via;
  const auto view = supervisor.find(ledger_.gateways[via].session);
  if (!view) return;
  const auto acks = supervisor.awaited_acks();
  acks->on_accepted([this](storage::SessionId session, std::string_view id, storage::UnixMs, std::uint64_t) {
    const auto told = world_.daemon.supervisor().find(session);
    for (std::size_t i = 0; told && i < ledger_.gateways.size(); ++i) {
      if (ledger_.gateways[i].session == told->name) return on_told_ahead(i, id);
    }
  });
  awaited_.try_emplace(number, acks, view->id);
}

// Who reads now has to find what he was told.
void Users::on_told_ahead(std::size_t gateway, std::string_view message_id) {
  const auto is_told = [&](const Text& text) {
    return text.by_gateway && text.via == gateway && text.accepted && text.id == message_id;
  };
  const auto text = std::find_if(ledger_.texts.begin(), ledger_.texts.end(), is_told);
  if (text == ledger_.texts.end()) return;
  const auto number = static_cast<std::size_t>(text - ledger_.texts.begin());
  text->told_ahead = true;
  awaited_.erase(number);
  world_.trace.note("user", "is told that the server has " + text->body);
  world_.daemon.supervisor().tell(
      ledger_.gateways[gateway].session, sessions::CatchUp(),
      of_this_life<void>([this, gateway, number](sessions::Outcome<> caught_up) {
        const auto view = world_.daemon.supervisor().find(ledger_.gateways[gateway].session);
        if (!caught_up || !view) return;
        const Text& read = ledger_.texts[number];
        const auto row = storage::find_message_by_id(world_.daemon.store().reader(), view->id, read.id, true);
        // Not there any more: its chat was deleted.
        if (row && row->ack < storage::AckLevel::server)
          ledger_.violate(
              fmt::format("{} ({}) was told to be at the server, its row does not say so", read.body, read.id));
      }));
}

void Users::mark_read(std::size_t gateway, std::size_t other) {
  if (!world_.daemon.running() || !owners_[gateway].created) return;
  const std::string session = ledger_.gateways[gateway].session;
  const std::size_t person = ledger_.gateways[gateway].person;
  // What the session knows now is what the answer is about, unless it is read already: by an earlier answer, or because
  // the own phone has read something newer. Then that phone owes the receipt, and gives none for what it could not
  // read.
  const auto view = world_.daemon.supervisor().find(session);
  auto& reader = world_.daemon.store().reader();
  const auto is_unread = [&](const Text& text) {
    const auto row = view ? storage::find_message_by_id(reader, view->id, text.id, false) : std::nullopt;
    return row && row->ack < storage::AckLevel::read;
  };
  std::vector<std::size_t> promised;
  for (std::size_t i = 0; i < ledger_.texts.size(); ++i) {
    const Text& text = ledger_.texts[i];
    const auto copy = text.copies.find(gateway);
    if (!text.by_gateway && text.from == other && text.to == person && is_message(text.kind) &&
        ledger_.told(session, text) && (copy == text.copies.end() || !copy->second.removed) && is_unread(text))
      promised.push_back(i);
  }
  world_.trace.note("user", fmt::format("reads the chat of {} with {}", session, ledger_.persons[other].number));
  world_.daemon.supervisor().tell(session,
                                  sessions::MarkRead{Jid(ledger_.persons[other].number, protocol::server::user)},
                                  of_this_life<void>([this, promised](sessions::Outcome<> marked) {
                                    if (marked) {
                                      for (const std::size_t text : promised) ledger_.texts[text].read_promised = true;
                                    } else if (!passes(marked.error().code) && marked.error().code != Errc::not_found) {
                                      ledger_.violate("mark_read: " + marked.error().detail);
                                    }
                                  }));
}

}  // namespace wharf::simulation
