#include "tests/simulation/users.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "storage/messages.h"

namespace wharf::simulation {

using protocol::Errc;
using protocol::Jid;
using protocol::Result;
using sessions::SentMessage;
using sessions::SessionView;
using sessions::Status;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// What an answer may be while the world is unkind; the user repeats his request.
bool passes(Errc code) {
  return code == Errc::closed || code == Errc::storage || code == Errc::storage_full || code == Errc::rate_limited ||
         code == Errc::not_ready;
}

}  // namespace

Users::Users(World& world, Ledger& ledger, Size size) : world_(world), ledger_(ledger), size_(size) {}

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
  for (std::size_t i = 0; i < size_.sessions; ++i) {
    ledger_.add_gateway(i, fmt::format("s{}", i));
    look_after(i);
  }
  sending_ = true;
  next_text();
}

sandbox::Phone& Users::phone(std::size_t person) { return *world_.phones.find(ledger_.persons[person].number); }

bool Users::all_answered() const {
  return std::all_of(ledger_.texts.begin(), ledger_.texts.end(),
                     [](const Text& text) { return !text.by_gateway || text.accepted || text.given_up; });
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

// --- owners

sessions::Reply<SessionView> Users::heard(const char* what, std::size_t gateway) {
  return of_this_life<SessionView>([this, what, gateway](Result<SessionView> view) {
    if (view || (view.error().code == Errc::not_found && ledger_.gateways[gateway].retired)) return;
    if (!passes(view.error().code))
      ledger_.violate(fmt::format("{}: {} {}", what, protocol::name(view.error().code), view.error().detail));
  });
}

void Users::look_after(std::size_t gateway) {
  later(milliseconds(300 + draw(2'000)), [this, gateway] { look_after(gateway); });
  if (!world_.daemon.running()) return;
  Owner& owner = owners_[gateway];
  Gateway& session = ledger_.gateways[gateway];
  if (session.retired) return see_end(gateway);
  auto& supervisor = world_.daemon.supervisor();
  const auto view = supervisor.find(session.session);
  if (!view) {
    if (owner.created) return ledger_.violate("session " + session.session + " is gone");
    sessions::Supervisor::NewSession created;
    created.name = session.session;
    created.config_json = "{}";
    supervisor.create(std::move(created), of_this_life<SessionView>([this, gateway](Result<SessionView> answer) {
                        if (answer) owners_[gateway].created = true;
                      }));
    return;
  }
  owner.created = true;
  // Without its device: what was queued for that is lost with it.
  if (view->jid.empty()) lose_device(gateway);
  if (owner.stopped) return;
  if (view->status == Status::ready) {
    if (!std::exchange(session.linked, true)) session.linked_at = world_.time.now();
  } else if (view->status == Status::failed || view->status == Status::terminated) {
    world_.trace.note("user",
                      fmt::format("starts {} again: {}", session.session, view->reason ? view->reason->code : "-"));
    if (view->reason && view->reason->code == "unlinked") lose_device(gateway);
    supervisor.tell(session.session, sessions::StartSession(), heard("start", gateway));
  } else if (view->qr && view->qr->text != owner.scanned) {
    link(gateway, view->qr->text);
  }
}

// Who asked a daemon that died asks again.
void Users::see_end(std::size_t gateway) {
  Gateway& session = ledger_.gateways[gateway];
  auto& supervisor = world_.daemon.supervisor();
  const auto view = supervisor.find(session.session);
  if (owners_[gateway].end == End::deleted) {
    if (!view) {
      session.deleted = true;
    } else if (session.deleted) {
      ledger_.violate("session " + session.session + " was deleted and is there again");
    } else {
      supervisor.tell(session.session, sessions::RemoveSession(), of_this_life<void>([](sessions::Outcome<>) {}));
    }
  } else if (!view) {
    ledger_.violate("session " + session.session + " is gone");
  } else if (owners_[gateway].end == End::logged_out && !view->jid.empty()) {
    supervisor.tell(session.session, sessions::Logout(), of_this_life<SessionView>([](Result<SessionView>) {}));
  }
}

void Users::lose_device(std::size_t gateway) {
  ledger_.gateways[gateway].linked = false;
  ledger_.excuse_device(gateway, "the session had no device");
}

void Users::link(std::size_t gateway, const std::string& qr) {
  const std::size_t person = ledger_.gateways[gateway].person;
  if (!phone(person).powered()) return;
  owners_[gateway].scanned = qr;
  world_.trace.note("user", "scans the QR of " + ledger_.gateways[gateway].session);
  phone(person).scan(qr, [this, gateway](Result<Jid> device) {
    world_.trace.note("user", device ? "linked " + device->to_string() : "scan: " + device.error().detail);
    // The companion may not have heard: whoever still sees a QR scans again.
    if (!device) owners_[gateway].scanned.clear();
  });
}

void Users::add_gateway(std::size_t person) {
  std::string name = fmt::format("s{}+{}", person, ledger_.gateways.size());
  world_.trace.note("user", "makes " + name);
  owners_.emplace_back();
  look_after(ledger_.add_gateway(person, std::move(name)));
}

bool Users::retire(std::size_t gateway, End end) {
  if (!world_.daemon.running() || !owners_[gateway].created) return false;
  Gateway& session = ledger_.gateways[gateway];
  const auto view = world_.daemon.supervisor().find(session.session);
  if (!view || view->jid.empty()) return false;
  constexpr const char* ways[] = {"unlinks", "logs out for good", "deletes"};
  world_.trace.note("user", fmt::format("{} {}", ways[static_cast<int>(end)], session.session));
  session.retired = true;
  owners_[gateway].end = end;
  lose_device(gateway);
  give_up_texts_of(gateway);
  if (end == End::unlinked)
    return bool(world_.network.unlink({ledger_.persons[session.person].number, view->jid.device}));
  see_end(gateway);
  return true;
}

void Users::give_up_texts_of(std::size_t gateway) {
  for (Text& text : ledger_.texts) {
    if (text.by_gateway && text.via == gateway && !text.accepted && !text.given_up)
      ledger_.excuse_given_up(text, "its session was given up");
  }
}

void Users::restart(std::size_t gateway) {
  if (!world_.daemon.running() || !owners_[gateway].created) return;
  world_.trace.note("user", "restarts " + ledger_.gateways[gateway].session);
  world_.daemon.supervisor().tell(ledger_.gateways[gateway].session, sessions::RestartSession(),
                                  heard("restart", gateway));
}

void Users::stop_for(std::size_t gateway, milliseconds pause) {
  if (!world_.daemon.running() || !owners_[gateway].created || owners_[gateway].stopped) return;
  world_.trace.note("user", "stops " + ledger_.gateways[gateway].session);
  owners_[gateway].stopped = true;
  world_.daemon.supervisor().tell(ledger_.gateways[gateway].session, sessions::StopSession(), heard("stop", gateway));
  later(pause, [this, gateway] { owners_[gateway].stopped = false; });
}

void Users::log_out(std::size_t gateway) {
  if (!world_.daemon.running() || !owners_[gateway].created) return;
  const std::string& session = ledger_.gateways[gateway].session;
  world_.trace.note("user", "logs " + session + " out");
  lose_device(gateway);
  world_.daemon.supervisor().tell(session, sessions::Logout(), heard("logout", gateway));
}

void Users::remove_chat(std::size_t gateway, std::size_t other) {
  if (!world_.daemon.running() || !owners_[gateway].created) return;
  const std::string& session = ledger_.gateways[gateway].session;
  world_.trace.note("user", fmt::format("removes the chat of {} with {}", session, ledger_.persons[other].number));
  ledger_.excuse_chat(gateway, other, "the chat was deleted");
  world_.daemon.supervisor().tell(session,
                                  sessions::RemoveChat{Jid(ledger_.persons[other].number, protocol::server::user)},
                                  of_this_life<void>([this, gateway, other](sessions::Outcome<> removed) {
                                    if (removed) return ledger_.excuse_chat(gateway, other, "the chat was deleted");
                                    if (!passes(removed.error().code) && removed.error().code != Errc::not_found)
                                      ledger_.violate("remove_chat: " + removed.error().detail);
                                  }));
}

void Users::reinstall(std::size_t person) {
  world_.trace.note("phone", ledger_.persons[person].number + " is installed anew");
  ledger_.excuse_phone_sends(person, "the phone was installed anew");
  phone(person).reinstall();
}

void Users::start_all() {
  for (Owner& owner : owners_) owner.stopped = false;
}

// --- traffic

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

void Users::send_by_phone(std::size_t from, std::size_t to) {
  Text text;
  text.from = from;
  text.to = to;
  text.body = new_body("p", from, to);
  note_readers(text, !phone(from).powered());
  world_.trace.note("phone", "sends " + text.body);
  const auto sent = phone(from).send({ledger_.persons[to].number, text.body, {}, {}});
  if (!sent) return ledger_.violate("a phone could not send: " + sent.error().detail);
  text.id = *sent;
  ledger_.texts.push_back(std::move(text));
}

void Users::send_by_gateway(std::size_t via, std::size_t to) {
  Text text;
  text.from = ledger_.gateways[via].person;
  text.to = to;
  text.by_gateway = true;
  text.via = via;
  text.body = new_body("g", via, to);
  note_readers(text, true);
  text.copies[via].excuse.clear();
  text.idempotency_key = "key " + text.body;
  if (draw(4) == 0) text.chosen_id = fmt::format("3EB0CAFE{:08}", ledger_.texts.size());
  ledger_.texts.push_back(std::move(text));
  ask(ledger_.texts.size() - 1);
}

void Users::send_when_due(std::size_t gateway, unsigned tries) {
  if (tries == 0 || !sending_ || !world_.daemon.running() || ledger_.gateways[gateway].retired) return;
  const auto held = world_.daemon.supervisor().holdings(ledger_.gateways[gateway].session);
  if (!held || !held->due) return;
  const auto wait = std::chrono::duration_cast<Micros>(*held->due - world_.time.steady()) + Micros(draw(400));
  if (wait > seconds(60)) return;
  world_.surroundings.after(std::max(wait, Micros(0)), [this, gateway, tries] {
    if (!sending_ || !world_.daemon.running() || ledger_.gateways[gateway].retired) return;
    const auto now_held = world_.daemon.supervisor().holdings(ledger_.gateways[gateway].session);
    if (!now_held || !now_held->due) return;
    if (*now_held->due > world_.time.steady()) return send_when_due(gateway, tries - 1);
    world_.trace.note("user", fmt::format("sends while {} has something to do", ledger_.gateways[gateway].session));
    send_by_gateway(gateway, other_person(ledger_.gateways[gateway].person));
  });
}

void Users::ask(std::size_t number) {
  Text& text = ledger_.texts[number];
  if (text.accepted || text.given_up) return;
  if (!world_.daemon.running()) return later(milliseconds(50 + draw(1'000)), [this, number] { ask(number); });
  if (text.asked++ == 0) text.earliest_ms = text.latest_ms = world_.daemon.unix_ms();
  see_clock(text);
  if (text.given_up) return;
  world_.trace.note("user", fmt::format("asks for {} ({})", text.body, text.asked));
  sessions::SendMessage request;
  request.chat = Jid(ledger_.persons[text.to].number, protocol::server::user);
  request.content = text.body;
  request.message_id = text.chosen_id;
  request.idempotency_key = text.idempotency_key;
  request.request_hash = text.body;
  // A client has little patience now and then; who was not answered for that long repeats the same request.
  const auto patience = draw(20) == 0 ? milliseconds(5 + draw(200)) : milliseconds(5'000 + draw(5'000));
  later(patience, [this, number] { ask(number); });
  world_.daemon.supervisor().tell(
      ledger_.gateways[text.via].session, std::move(request),
      of_this_life<SentMessage>([this, number](Result<SentMessage> answer) { on_answer(number, answer); }));
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
  for (Text& text : ledger_.texts) {
    if (text.by_gateway && text.asked > 0 && !text.accepted && !text.given_up) see_clock(text);
  }
}

bool Users::somebody_repeats() const {
  return std::any_of(ledger_.texts.begin(), ledger_.texts.end(), [](const Text& text) {
    return text.by_gateway && text.asked > 1 && !text.accepted && !text.given_up;
  });
}

void Users::on_answer(std::size_t number, const Result<SentMessage>& answer) {
  Text& text = ledger_.texts[number];
  if (!answer) {
    // It is not made yet, or was deleted.
    const bool no_session =
        answer.error().code == Errc::not_found && (!owners_[text.via].created || ledger_.gateways[text.via].retired);
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
  if (!std::exchange(text.accepted, true) && number % 3 == 0) await_ack(number);
}

void Users::await_ack(std::size_t number) {
  auto& supervisor = world_.daemon.supervisor();
  const std::size_t via = ledger_.texts[number].via;
  const auto view = supervisor.find(ledger_.gateways[via].session);
  if (!view) return;
  const auto acks = supervisor.awaited_acks();
  acks->on_accepted([this](storage::SessionId session, std::string_view id, storage::UnixMs) {
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
    if (!text.by_gateway && text.from == other && text.to == person && ledger_.told(session, text.body) &&
        (copy == text.copies.end() || !copy->second.removed) && is_unread(text))
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
