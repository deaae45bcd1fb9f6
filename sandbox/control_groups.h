#pragma once
// Internal to the control API: what its handlers about groups share.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/groups/results.h"
#include "sandbox/control_call.h"

namespace wharf::sandbox {

/// A phone and a group of a request that exist, or nullopt when it was answered with 404. `group`: digits or a JID.
struct GroupCall {
  Phone& phone;
  Jid group;
};
std::optional<GroupCall> group_call(ControlCall& call);

/// An account as requests about groups name it; of nobody its number, which the network refuses.
protocol::groups::MemberRef member_named(ControlCall& call, std::string_view phone_or_jid);
std::vector<protocol::groups::MemberRef> members_named(ControlCall& call, std::string_view list);

boost::json::object group_json(ControlCall& call, const protocol::groups::GroupMetadata& group);
/// {phone, lid, role}
boost::json::object person_json(ControlCall& call, const protocol::groups::Participant& who);
boost::json::array outcomes_json(ControlCall& call, std::span<const protocol::groups::MemberOutcome> outcomes);

/// What the network refused, as an answer.
void fail(ControlCall& call, const protocol::groups::GroupFailure& failure);

/// The phone asks, `then` gets the network's answer; what never came is answered here.
using GroupAnswered = std::function<void(ControlCall& call, const Node& answer)>;
void ask_network(ControlCall& call, Phone& phone, const protocol::groups::GroupRequest& request, GroupAnswered then);
/// Of a request whose answer says nothing more.
void ask_and_succeed(ControlCall& call, Phone& phone, const protocol::groups::GroupRequest& request,
                     protocol::groups::Operation operation, boost::json::object result);

}  // namespace wharf::sandbox
