// Users: what they do to the copy of a message in their session alone: delete it, or give it a star.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tests/simulation/users.h"

namespace wharf::simulation {

using protocol::Errc;
using protocol::Jid;

void Users::tidy(std::size_t gateway) {
  const Gateway& session = ledger_.gateways[gateway];
  if (!world_.daemon.running() || !owners_[gateway].created || session.retired) return;
  auto& random = world_.tidying;
  constexpr std::size_t looked_at = 120, most = 12;
  std::vector<std::size_t> found;
  const std::size_t end = ledger_.texts.size() - std::min(ledger_.texts.size(), looked_at);
  for (std::size_t i = ledger_.texts.size(); i > end && found.size() < most; --i) {
    const Text& text = ledger_.texts[i - 1];
    const auto copy = text.copies.find(gateway);
    const bool removed = copy != text.copies.end() && copy->second.removed;
    const bool sent_it = text.by_gateway && text.via == gateway && text.accepted;
    if (!is_message(text.kind) || text.id.empty() || removed || text.may_be_gone) continue;
    if (sent_it || ledger_.told(session.session, text)) found.push_back(i - 1);
  }
  if (found.empty()) return;
  // Of the newest, some still wait in the queue.
  const std::size_t text = found[random.below(static_cast<std::uint32_t>(found.size()))];
  if (random.below(2) == 0) return delete_here(gateway, text);
  star(gateway, text, random.below(3) != 0);
}

bool Users::may_miss(std::size_t gateway, const Text& text) const {
  const auto copy = text.copies.find(gateway);
  return text.may_be_gone || ledger_.gateways[gateway].retired || (copy != text.copies.end() && copy->second.removed);
}

void Users::delete_here(std::size_t gateway, std::size_t number) {
  const Text& text = ledger_.texts[number];
  const std::string why = "the message was deleted", session = ledger_.gateways[gateway].session;
  world_.trace.note("user", fmt::format("deletes {} in {}", text.body, session));
  ledger_.excuse_message(gateway, number, why);
  const bool own = text.from == ledger_.gateways[gateway].person;
  const Jid chat(ledger_.persons[own ? text.to : text.from].number, protocol::server::user);
  world_.daemon.supervisor().tell(
      session, sessions::RemoveMessage{text.id, own, chat},
      of_this_life<void>([this, gateway, number, why](sessions::Outcome<> removed) {
        if (removed) {
          ledger_.excuse_message(gateway, number, why);
          ledger_.texts[number].copies[gateway].deleted = true;
        } else if (!passes(removed.error().code) && removed.error().code != Errc::not_found) {
          ledger_.violate("remove_message: " + removed.error().detail);
        }
      }));
}

void Users::star(std::size_t gateway, std::size_t number, bool starred) {
  Text& text = ledger_.texts[number];
  const std::string& session = ledger_.gateways[gateway].session;
  world_.trace.note("user", fmt::format("{} {} in {}", starred ? "stars" : "unstars", text.body, session));
  const unsigned asked = ++text.copies[gateway].star_asked;
  const bool own = text.from == ledger_.gateways[gateway].person;
  world_.daemon.supervisor().tell(session, sessions::StarMessage{text.id, starred, own, {}},
                                  of_this_life<void>([this, gateway, number, starred, asked](sessions::Outcome<> done) {
                                    const Text& said = ledger_.texts[number];
                                    Copy& copy = ledger_.texts[number].copies[gateway];
                                    if (done) copy.starred = starred;
                                    // Nothing of it happened. What was asked before and not answered may have.
                                    if (done || copy.star_answered + 1 == asked) copy.star_answered = asked;
                                    if (done || passes(done.error().code)) return;
                                    const bool no_star =
                                        ledger_.was_revoked(number) || ledger_.failed(said) || said.send_at != 0;
                                    if (done.error().code == Errc::unsupported ? !no_star : !may_miss(gateway, said))
                                      ledger_.violate(fmt::format("star of {}: {}", said.body, done.error().detail));
                                  }));
}

}  // namespace wharf::simulation
