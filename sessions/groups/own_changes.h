#pragma once
// What the account's own requests will be told of. A change that a request makes comes as a notification like everybody
// else's, before or behind the answer, and with no word of the request (05 section 4). So what the account is said to
// have done within a minute of asking for it is taken for that, once, and of the people that it asked for; its events
// name the request behind it. Of what the answer says was not done, or what was so already, nothing is expected. Where
// a phone of the account does the same in that minute, the wrong one of the two may be named. Nothing of it outlives
// the process.

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/groups/changes.h"
#include "protocol/groups/requests.h"
#include "sessions/context.h"
#include "sessions/groups/group_answer.h"

namespace wharf::sessions {

class OwnChanges {
 public:
  explicit OwnChanges(Context& context) : c_(context) {}

  /// This request leaves now as `iq`, for the cause that is at work; nothing without one, and for what changes nothing.
  void asked(const Node& iq, const protocol::groups::GroupRequest& request);
  /// The server refused it.
  void refused(std::string_view iq_id);
  /// Something that it asked for was not told yet.
  bool expects(std::string_view iq_id) const;
  /// The server answered it. `known`: the group as it stands by all that was told before the answer; nullptr: it is not
  /// known well enough.
  void answered(std::string_view iq_id, const protocol::groups::GroupRequest& request, const GroupAnswer& answer,
                const protocol::groups::GroupMetadata* known);
  /// The request behind a w:gp2 notification by the own account; "" where none is known.
  std::string behind(const protocol::groups::GroupNotification& told, const Node& notification);
  /// The same of the group's picture, which is another one or `removed`.
  std::string behind_picture(const Jid& group, bool removed);
  void forget_all() { expected_.clear(); }

 private:
  using People = std::vector<protocol::groups::Participant>;
  static constexpr std::size_t most_expected = 64;  // the oldest go
  static constexpr std::chrono::seconds expected_for{60};

  struct Expected {
    std::string iq_id, cause;
    std::optional<Jid> group;  // nullopt: its answer tells
    std::string tag;           // of the change
    People people;             // whom it is about, and who were not told of yet; none: it is about the group
    std::string key;           // of a creation, which says it again
    net::SteadyTime until;
  };
  void expect(const Node& iq, std::optional<Jid> group, std::string_view tag, People people = {}, std::string key = {});
  /// Nothing is told of these people; what was about nobody else goes.
  void drop(std::string_view iq_id, const People& people);
  std::string take(const Jid& group, std::string_view tag, const People& people, const std::string& key);
  People self() const;

  Context& c_;
  std::deque<Expected> expected_;
};

}  // namespace wharf::sessions
