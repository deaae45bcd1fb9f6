// Users: owners of sessions, who link them, start them again, and give them up.
#include <fmt/format.h>

#include <utility>

#include "sessions/config_json.h"
#include "tests/simulation/group_users.h"
#include "tests/simulation/users.h"

namespace wharf::simulation {

using protocol::Errc;
using protocol::Jid;
using protocol::Result;
using sessions::SessionView;
using sessions::Status;
using std::chrono::milliseconds;

bool passes(Errc code) {
  return code == Errc::closed || code == Errc::storage || code == Errc::storage_full || code == Errc::rate_limited ||
         code == Errc::not_ready;
}

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
    if (fetches_unasked(gateway)) {
      created.config_json =
          fmt::format(R"({{"autoDownload":{{"types":["image","video"],"maxBytes":{}}}}})", unasked_bytes);
      created.config = sessions::parse_config(created.config_json);
    }
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
  if (in_groups_) in_groups_->give_up_texts_of(gateway);
  for (Text& text : ledger_.texts) {
    if (text.by_gateway && text.via == gateway && !text.settled())
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
  for (Text& text : ledger_.texts) {
    if (text.by_gateway && text.via == gateway && text.to == other && text.asked > 0 && !text.settled())
      text.may_be_gone = true;
  }
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

}  // namespace wharf::simulation
