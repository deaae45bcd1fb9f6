#pragma once
// A program that asks a real Session about people, and what WhatsApp answers it.

#include <optional>
#include <utility>
#include <vector>

#include "events/codec.h"
#include "protocol/account/profile_query.h"
#include "storage/contacts.h"
#include "tests/sessions/group_stanzas.h"
#include "tests/sessions/session_fixture.h"

namespace wharf::test {

inline const Jid ann("200000000000007", "lid"), ann_number("15550000007", "s.whatsapp.net");
inline const Jid dan_number("15550000008", "s.whatsapp.net");

/// What a program asked and heard. Its session ends before what the answers are written to.
template <class Answer>
struct Asking {
  std::vector<Node> asked;  // the stanzas of the turn
  std::shared_ptr<std::optional<Outcome<Answer>>> heard = std::make_shared<std::optional<Outcome<Answer>>>();
  bool answered() const { return heard->has_value(); }
  const Outcome<Answer>& answer() const {
    REQUIRE(answered());
    return **heard;
  }
};

struct PeopleFixture : SessionFixture {
  explicit PeopleFixture(bool online = true) {
    if (online) go_online();
  }
  template <class Operation>
  Asking<typename Operation::Answer> ask(Operation operation) {
    Asking<typename Operation::Answer> asking;
    auto heard = asking.heard;
    asking.asked = sent(tell(std::move(operation),
                             [heard](Outcome<typename Operation::Answer> outcome) { *heard = std::move(outcome); }));
    return asking;
  }
  std::vector<Node> hear(Node node) { return sent(stanza(std::move(node))); }
  /// Time passes; what falls due is done.
  std::vector<Node> later(std::chrono::milliseconds by) {
    steady += by;
    now_ms += by.count();
    return sent(turn({}));
  }
  void learn(const Jid& pn, const Jid& lid) {
    call([this, pn, lid] { session->directory().learn(pn, lid); });
  }
  std::vector<events::Event> told() {
    std::vector<events::Event> out;
    storage::EventFilter filter;
    for (auto& event : storage::read_events(store->reader(), filter)) {
      auto fact = events::decode(event.name, event.data);
      REQUIRE(fact.has_value());
      out.push_back(std::move(*fact));
    }
    return out;
  }
  template <class Kind>
  std::vector<Kind> told_of() {
    std::vector<Kind> out;
    for (const events::Event& event : told())
      if (const auto* kind = std::get_if<Kind>(&event.fact)) out.push_back(*kind);
    return out;
  }
  std::optional<storage::ContactRow> contact(const Jid& user) {
    return storage::find_contact(store->reader(), row.id, user);
  }
};

/// The answer that names these people, to the question.
inline Node profiles(const Node& question, protocol::Profiles told) {
  const auto query = protocol::read_profile_query(question);
  REQUIRE(query);
  return protocol::profiles_answer(question, *query, told);
}

}  // namespace wharf::test
