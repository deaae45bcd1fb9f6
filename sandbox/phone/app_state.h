#pragma once
// The phone's part of app state: it makes the key, writes the first version of every collection before a companion is
// linked, acts upon what companions change of its name and its address book, and changes them itself. It knows a
// collection from what the server keeps, as a companion does. Specification 06 sections 13 and 14, 04 section 8.

#include <boost/json/fwd.hpp>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/appstate/actions.h"
#include "protocol/messages/bootstrap.h"
#include "protocol/stanzas/app_state_sync.h"
#include "sandbox/phone/context.h"

namespace wharf::sandbox {

class PhoneAppState {
 public:
  static constexpr std::size_t max_contacts = 10'000;

  explicit PhoneAppState(PhoneContext& context) : c_(context) {}

  /// The key, made when it is first asked for.
  const protocol::AppStateKeyShare& key();
  /// What nobody wrote yet: the push name, the saved contacts, and the other collections empty. All of it with a key
  /// that is new.
  void write();
  /// The phone was installed anew.
  void forget_key();
  /// The key ids of an APP_STATE_SYNC_KEY_REQUEST.
  static std::vector<Bytes> requested_keys(ByteView message);

  // --- what its user does
  using Done = std::function<void(protocol::Result<void>)>;
  /// Saves somebody in the address book, or renames them; "" removes them. `done` when the server has it; at once while
  /// no companion was ever linked. Errors: closed (switched off), timed_out, refused, conflict.
  void save_contact(const Account& whom, const std::string& name, Done done);
  /// The phone calls itself this by now: its companions are told.
  void write_name(const std::string& name, Done done);
  /// By phone number.
  const std::map<std::string, std::string>& contacts() const { return contacts_; }

  // --- what companions do
  void on_server_sync(const Node& notification);
  /// Set by the phone: a companion has changed the name.
  std::function<void(const std::string& name)> on_name;

  // --- in the phone's row
  void save(boost::json::object& core) const;
  void load(const boost::json::object& core);

 private:
  struct Known {
    protocol::AppStateCollection state;
    std::uint64_t acted = 0;  // the version up to which it was acted upon; outlives a restart
  };
  using Mutations = std::vector<protocol::AppStateMutation>;

  void write_collection(const std::string& name);
  protocol::AppStateMutation saved_contact(const std::string& phone, const std::string& name) const;
  /// One after another: a patch builds on what was read before it.
  void enqueue(std::function<void()> step);
  void step_done();
  void catch_up(const std::string& name, Done done);
  protocol::Result<void> apply(const std::string& name, const protocol::CollectionAnswer& answer);
  void act(const std::string& name, const Mutations& mutations);
  void patch(const std::string& name, Mutations mutations, unsigned attempt, Done done);
  void change(const std::string& name, Mutations mutations, Done done);

  PhoneContext& c_;
  std::optional<protocol::AppStateKeyShare> key_;
  std::map<std::string, Known> known_;
  std::map<std::string, std::string> contacts_;
  std::deque<std::function<void()>> steps_;  // the first is under way
};

}  // namespace wharf::sandbox
