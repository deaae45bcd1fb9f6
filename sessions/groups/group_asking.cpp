#include "sessions/groups/group_asking.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <variant>

#include "protocol/groups/people_index.h"
#include "sessions/groups/taking_answers.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

namespace groups = protocol::groups;
using groups::GroupFailure;
using groups::GroupRequest;

namespace {

constexpr unsigned most_tries =
    2;  // a description is set against the one that is there: once more when that is another

/// What helps, "" where nobody knows.
std::string_view way_out(groups::Failure failure) {
  using groups::Failure;
  switch (failure) {
    case Failure::not_in_group:
      return "the account is not in the group: an admin adds it, or it joins by an invite link";
    case Failure::not_admin: return "only an admin may do this: one of them has to make the account an admin";
    case Failure::not_authorised:
    case Failure::forbidden: return "the account may not: it is not in the group, or no admin of it";
    case Failure::removed_by_admin: return "an admin has removed the account, and an admin alone can add it again";
    case Failure::link_invalid:
    case Failure::link_revoked: return "ask an admin of the group for its link as it is now";
    case Failure::already_member:
    case Failure::already_member_or_conflict: return "the account is in the group already";
    case Failure::group_full:
    case Failure::community_full:
    case Failure::limit_reached: return "somebody has to leave before";
    case Failure::stale_description: return "somebody changes it too: repeat the request";
    case Failure::bad_image: return "give another picture, a JPEG or PNG";
    case Failure::growth_locked: return "WhatsApp has closed the links of this group for a time";
    case Failure::parent_suspended: return "WhatsApp has suspended the community";
    case Failure::gone: return "the group is no more";
    case Failure::timed_out:
    case Failure::rate_limited:
    case Failure::server_error:
    case Failure::unavailable: return "the same request may succeed later";
    default: return {};
  }
}

Refusal refusal_of(const GroupFailure& why) {
  std::string said = "WhatsApp refused: " + std::string(name(why.failure));
  if (why.code != 0) said += " (" + std::to_string(why.code) + ")";
  if (!why.text.empty()) said += ", " + why.text;
  if (const auto helps = way_out(why.failure); !helps.empty()) said.append("; ").append(helps);
  Refusal out(errc_of_server(why.code), Subject::group, std::move(said));
  out.retry_after_s = bounded_backoff_s(why.backoff_seconds);
  return out;
}

/// Leaves each person in the list once, by `name`, and says of each that was in it where that is by now.
template <class One, class Name>
std::vector<std::size_t> unite(std::vector<One>& who, const Name& name) {
  std::map<Jid, std::size_t> places;
  std::vector<std::size_t> out;
  std::vector<One> once;
  for (One& one : who) {
    const auto [place, is_new] = places.try_emplace(name(one), once.size());
    out.push_back(place->second);
    if (is_new) once.push_back(std::move(one));
  }
  who = std::move(once);
  return out;
}

/// Each that was spelled has the row of its person.
void spread(std::vector<MemberOutcome>& rows, const std::vector<std::size_t>& places) {
  if (places.empty()) return;
  std::vector<MemberOutcome> out;
  for (const std::size_t place : places)
    if (place < rows.size()) out.push_back(rows[place]);
  rows = std::move(out);
}

}  // namespace

void GroupAsking::name_as_members(const protocol::Jid& group, std::vector<groups::MemberRef>& who) const {
  const auto known = groups_.find(group);
  const std::vector<groups::Participant> nobody;
  const auto& members = known ? known->metadata.members : nobody;
  const groups::PeopleIndex index(members);
  for (groups::MemberRef& one : who) {
    if (const auto place = index.find(groups::person(one.jid, one.phone_number))) one.jid = members[*place].jid;
    one.phone_number.reset();
  }
}

GroupAsking::Asked GroupAsking::prepared(Asked asked) {
  GroupRequest& request = asked.request;
  const auto once = [](std::vector<groups::MemberRef>& who) {
    return unite(who, [](const groups::MemberRef& one) { return one.jid; });
  };
  const auto both_names = [this](groups::MemberRef& who) {
    const PersonIds ids = directory_.person(directory_.canonical_user(who.jid));
    if (!ids.lid) return;
    who.jid = *ids.lid;
    who.phone_number = ids.pn;
  };
  if (auto* create = std::get_if<groups::CreateGroup>(&request)) {
    std::for_each(create->members.begin(), create->members.end(), both_names);
    asked.places = once(create->members);
    if (create->description) create->description->id = c_.ids.next();
  }
  if (auto* change = std::get_if<groups::ChangeMembers>(&request)) {
    std::for_each(change->members.begin(), change->members.end(), both_names);
    asked.places = once(change->members);
    if (change->action != groups::MemberAction::add) name_as_members(change->group, change->members);
  }
  if (auto* decide = std::get_if<groups::DecideJoinRequests>(&request)) {
    const auto person = [this](const Jid& who) { return directory_.canonical_user(who); };
    asked.places = unite(decide->approve, person);
    for (const std::size_t place : unite(decide->reject, person))
      asked.places.push_back(decide->approve.size() + place);
  }
  if (auto* description = std::get_if<groups::SetDescription>(&request)) {
    description->id = c_.ids.next();
    if (const auto known = groups_.find(description->group)) description->prev = known->metadata.description.id;
  }
  return asked;
}

GroupAsking::GroupAsking(Context& context, Directory& directory, Groups& groups)
    : c_(context), directory_(directory), groups_(groups), made_(context) {
  groups_.on_made = [this](const std::string& key, const Jid& group) { made_.told(key, group); };
}

GroupAnswer GroupAsking::answer_again(const MadeGroups::Made& made) const {
  GroupAnswer out;
  out.replayed = true;
  out.made = made.group;
  out.members = made.members;
  for (MemberOutcome& one : out.members) one.who = group_person(groups::person(one.who.jid), groups_.people());
  if (const auto known = groups_.find(made.group)) {
    out.group = view_of(known->metadata, groups_);
    out.group->member = known->member;
  }
  return out;
}

void GroupAsking::ask(AskGroup asked, Reply<GroupAnswer> reply) {
  Asked first{std::move(asked.request), std::nullopt, 1};
  auto* create = std::get_if<groups::CreateGroup>(&first.request);
  if (create != nullptr && asked.idempotency_key) {
    first.name = {std::move(*asked.idempotency_key), std::move(asked.request_hash), std::move(asked.other_hashes)};
    const auto earlier = made_.find(*first.name);
    if (!earlier) return c_.answer(std::move(reply), earlier.error());
    if (*earlier) return c_.answer(std::move(reply), answer_again(**earlier));
  }
  if (!c_.link.online()) return c_.answer(std::move(reply), not_connected());
  // Its notification says the key again, and is known by it.
  if (create != nullptr) create->key = first.name ? MadeGroups::key_of(*first.name) : c_.ids.next();
  if (std::holds_alternative<groups::AcceptInvitation>(first.request))
    return look_first(std::move(first), std::move(reply));
  send(std::move(first), std::move(reply));
}

void GroupAsking::look_first(Asked accepting, Reply<GroupAnswer> reply) {
  const auto& accept = std::get<groups::AcceptInvitation>(accepting.request);
  const auto iq = groups::request_iq(c_.ids.next(), groups::PreviewInvitation{accept.group, accept.invitation});
  c_.query(iq, [this, group = accept.group, accepting = std::move(accepting),
                reply = std::move(reply)](const Node* answer) mutable {
    // What is refused here the other question is refused for, too.
    if (answer != nullptr) {
      auto shown = groups::read_preview(*answer);
      if (shown && shown->group == group) groups_.expect(group, std::move(shown->subject));
    }
    send(std::move(accepting), std::move(reply));
  });
}

void GroupAsking::send(Asked asked, Reply<GroupAnswer> reply) {
  asked = prepared(std::move(asked));
  const Node iq = groups::request_iq(c_.ids.next(), asked.request);
  if (asked.name) made_.asked(*asked.name);
  groups_.own_changes().asked(iq, asked.request);
  // Where nothing can be asked, the answer is there before query() returns.
  const auto left = std::make_shared<bool>(false);
  c_.query(iq, [this, asked = std::move(asked), left, id = iq.attr("id"),
                reply = std::move(reply)](const Node* answer) mutable {
    if (!*left || (answer != nullptr && answer->attr("type") == "error")) groups_.own_changes().refused(id);
    on_answer(asked, id, answer, *left, std::move(reply));
  });
  *left = true;
}

void GroupAsking::on_answer(const Asked& asked, const std::string& iq_id, const Node* answer, bool left,
                            Reply<GroupAnswer> reply) {
  if (answer == nullptr) {
    if (asked.name) left ? made_.unanswered(*asked.name) : made_.refused(*asked.name);
    return c_.answer(
        std::move(reply),
        Error(Errc::timed_out, asked.name && left ? "WhatsApp did not answer: whether the group was made is not known; "
                                                    "repeat the request under the same key to hear of it"
                                                  : "WhatsApp did not answer"));
  }
  auto read = take_answer(asked.request, *answer, groups_);
  if (read) spread(read->members, asked.places);
  if (asked.name) settle(*asked.name, read);
  if (read) {
    settle_claims(asked, iq_id, *read);
    return c_.answer(std::move(reply), std::move(*read));
  }
  const auto* description = std::get_if<groups::SetDescription>(&asked.request);
  if (description == nullptr || read.error().failure != groups::Failure::stale_description || asked.tries == most_tries)
    return c_.answer(std::move(reply), refusal_of(read.error()));
  groups_.refresh(description->group, [this, again = asked, reply = std::move(reply)](Groups::Refreshed) mutable {
    ++again.tries;
    send(std::move(again), std::move(reply));
  });
}

void GroupAsking::settle_claims(const Asked& asked, const std::string& iq_id, const GroupAnswer& answer) {
  if (!groups_.own_changes().expects(iq_id)) return;
  const auto group = std::visit(
      [](const auto& request) -> std::optional<Jid> {
        if constexpr (requires { Jid(request.group); }) return request.group;
        else return std::nullopt;
      },
      asked.request);
  const auto known = group ? groups_.find(*group) : std::nullopt;
  const bool whole = known && !known->stale && !known->metadata.partial;
  groups_.own_changes().answered(iq_id, asked.request, answer, whole ? &known->metadata : nullptr);
}

void GroupAsking::settle(const MadeGroups::Name& name, groups::GroupResult<GroupAnswer>& read) {
  if (read) return made_.made(name, *read->made, read->members);
  // A server that failed in the middle, and an answer that cannot be read, leave it open.
  const unsigned code = read.error().code;
  if (code >= 400 && code < 500 && code != 408) return made_.refused(name);
  made_.unanswered(name);
  GroupFailure open = read.error();
  open.text += (open.text.empty() ? "" : ", ") + std::string("and whether the group was made is not known");
  read = std::move(open);
}

}  // namespace wharf::sessions
