#pragma once
// Those who use the groups of a simulated world: who makes them, talks in them through sessions and on phones, and lets
// people in and out.

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "protocol/groups/requests.h"
#include "sandbox/network/groups/group.h"
#include "tests/simulation/group_keys.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/world.h"

namespace wharf::simulation {

class Users;

class GroupUsers {
 public:
  GroupUsers(World& world, Ledger& ledger, Users& users);
  /// Something is said every `pause` on average, until stop_traffic().
  void start(std::chrono::milliseconds pause);
  void stop_traffic() { talking_ = false; }

  // --- as Users
  bool all_answered() const;
  bool somebody_repeats() const;
  void see_clock();
  void give_up_texts_of(std::size_t gateway);

  /// A row of the daemon is written.
  void note(const storage::Change& change) { keys_.note(change); }

 private:
  void next();
  /// Groups that nobody has made yet are made; what the server has is noted.
  void found();
  void found(Circle& circle);
  void say();
  void say_by_gateway(std::size_t circle, std::size_t gateway);
  void say_by_phone(std::size_t circle, std::size_t person);
  /// Somebody is let in or out, or gets another role.
  void change();
  void change(std::size_t circle, std::size_t by, protocol::groups::MemberAction action, std::size_t whom);
  void leave(std::size_t circle, std::size_t person);
  /// What its user asks for, through a session of his or on his phone.
  void ask_as(std::size_t person, const std::function<protocol::groups::GroupRequest(bool by_gateway)>& request,
              const std::string& what);
  void ask(std::size_t text);
  void see_clock(GroupText& text);
  void on_answer(std::size_t text, const sessions::Outcome<sessions::SentMessage>& answer);
  /// The server takes it.
  void on_taken(const sandbox::TakenGroupMessage& taken);
  /// Whoever is out of the group by what the sender knew cannot read it.
  void try_keys(const GroupText& text, const sandbox::TakenGroupMessage& taken);
  /// What the phones have of the group's keys.
  void look_at_keys(const std::string& group);

  GroupText new_text(std::size_t circle, std::size_t from);
  const sandbox::Group* of_server(const Circle& circle) const;
  /// A person in the group, as the server has it; nobody when the network does not know it.
  std::optional<std::size_t> any_member(const Circle& circle);
  std::set<std::string> known_to_session(const std::string& session, const std::string& group) const;
  std::size_t person_of(const std::string& number) const;
  std::uint32_t draw(std::uint32_t below) { return world_.grouping.below(below); }
  void later(std::chrono::milliseconds delay, std::function<void()> run) {
    world_.surroundings.after(delay, std::move(run));
  }

  World& world_;
  Ledger& ledger_;
  Users& users_;
  std::size_t wanted_ = 1;  // groups
  std::chrono::milliseconds pause_{0};
  bool talking_ = false;
  std::uint64_t last_body_ = 0;
  GroupKeys keys_;
  std::map<std::string, std::set<sandbox::DeviceKey>> authors_;  // by group: devices that have said something
};

}  // namespace wharf::simulation
