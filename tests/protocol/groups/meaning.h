#pragma once
// What was read of a group stanza, in the form of groups.json: its `meaning` and `gateway_events`.

#include <boost/json/value.hpp>
#include <string>

#include "protocol/groups/events.h"
#include "protocol/groups/results.h"
#include "tests/support/printing.h"

namespace Catch {

template <class T>
struct StringMaker<boost::system::result<T, wharf::protocol::groups::GroupFailure>, void> {
  static std::string convert(const boost::system::result<T, wharf::protocol::groups::GroupFailure>& result) {
    return result ? "a value" : result.error().error().detail;
  }
};

}  // namespace Catch

namespace wharf::test {

/// Without `displayName` and `notAdded` where there are none, as in the file.
boost::json::value meaning(const protocol::groups::GroupMetadata& group);
/// With `code` for what failed alone, and `pn` where it is told beside the JID.
boost::json::value meaning(const protocol::groups::MemberOutcome& outcome);
boost::json::value meaning(const protocol::groups::MemberOutcomes& outcomes);
/// `done`: the name of success, "left", "linked", "unlinked".
boost::json::value meaning(const protocol::groups::GroupOutcomes& outcomes, std::string_view done);
boost::json::value meaning(const protocol::groups::GroupFailure& failure);
boost::json::value meaning(const protocol::groups::Joined& joined);
boost::json::value meaning(const protocol::groups::JoinRequest& request);
boost::json::value meaning(const protocol::groups::GroupEvent& event);

boost::json::value text_or_null(const std::optional<protocol::Jid>& jid);

template <class List>
boost::json::value meanings(const List& list) {
  boost::json::array out;
  for (const auto& one : list) out.push_back(meaning(one));
  return out;
}

}  // namespace wharf::test
