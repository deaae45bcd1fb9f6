#include "protocol/groups/outcomes.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "protocol/groups/fields.h"
#include "protocol/groups/limits.h"

namespace wharf::protocol::groups {

namespace {

struct CodeRow {
  unsigned code;
  MemberResult result;
};
constexpr std::array add_codes = {
    CodeRow{400, MemberResult::bad_jid},        CodeRow{401, MemberResult::not_authorised},
    CodeRow{403, MemberResult::privacy},        CodeRow{404, MemberResult::not_on_whatsapp},
    CodeRow{406, MemberResult::not_acceptable}, CodeRow{408, MemberResult::recently_left},
    CodeRow{409, MemberResult::already_member}, CodeRow{417, MemberResult::community_full_or_closed},
    CodeRow{419, MemberResult::group_full},     CodeRow{500, MemberResult::server_error},
};
constexpr std::array change_codes = {
    CodeRow{400, MemberResult::bad_jid},         CodeRow{401, MemberResult::not_admin},
    CodeRow{403, MemberResult::not_permitted},   CodeRow{404, MemberResult::not_a_member},
    CodeRow{406, MemberResult::already_in_role}, CodeRow{500, MemberResult::server_error},
};

MemberResult done(MemberOperation operation) {
  switch (operation) {
    case MemberOperation::add: return MemberResult::added;
    case MemberOperation::remove: return MemberResult::removed;
    case MemberOperation::promote: return MemberResult::promoted;
    case MemberOperation::demote: return MemberResult::demoted;
    case MemberOperation::approve: return MemberResult::approved;
    case MemberOperation::reject: return MemberResult::rejected;
    case MemberOperation::cancel: break;
  }
  return MemberResult::cancelled;
}

MemberResult failure(MemberOperation operation, unsigned code) {
  std::span<const CodeRow> codes;
  if (operation == MemberOperation::add) codes = add_codes;
  if (operation == MemberOperation::remove || operation == MemberOperation::promote ||
      operation == MemberOperation::demote) {
    codes = change_codes;
  }
  for (const CodeRow& row : codes)
    if (row.code == code) return row.result;
  return MemberResult::failed;
}

/// Those asked for, by each of their names; a name is given away once.
class Asked {
 public:
  explicit Asked(std::span<const MemberRef> refs) : taken_(refs.size()) {
    for (std::size_t i = 0; i < refs.size(); ++i) {
      by_jid_[refs[i].jid.user_jid()].push_back(i);
      by_any_[refs[i].jid.user_jid()].push_back(i);
      if (refs[i].phone_number) by_any_[refs[i].phone_number->user_jid()].push_back(i);
    }
  }
  std::optional<std::size_t> take_by_jid(const Participant& who) { return take_from(by_jid_, who.jid); }
  std::optional<std::size_t> take_by_any_name(const Participant& who) {
    auto index = take_from(by_any_, who.jid);
    if (!index && who.pn) index = take_from(by_any_, *who.pn);
    if (!index && who.lid) index = take_from(by_any_, *who.lid);
    return index;
  }
  bool take(std::size_t index) {
    if (taken_[index]) return false;
    taken_[index] = true;
    return true;
  }

 private:
  using Names = std::unordered_map<Jid, std::vector<std::size_t>>;
  std::optional<std::size_t> take_from(const Names& names, const Jid& name) {
    const auto found = names.find(name);
    if (found == names.end()) return std::nullopt;
    for (const std::size_t index : found->second)
      if (take(index)) return index;
    return std::nullopt;
  }
  Names by_jid_, by_any_;
  std::vector<bool> taken_;
};

/// Whether the row can be of this person although they share no name: no form stands in both.
bool could_be(const MemberRef& ref, const Participant& who) {
  const Participant asked = person(ref.jid, ref.phone_number);
  if (asked.jid.server == who.jid.server) return false;
  return !(asked.pn && who.pn) && !(asked.lid && who.lid);
}

// An error is none of the codes for success, whatever it says.
unsigned failure_code(unsigned code) { return code == code_success ? 0 : code; }

unsigned group_code(const Node& row) {
  if (const auto error = error_attr(row)) return failure_code(*error);
  const Node* error = row.child("error");
  if (error == nullptr) return code_success;
  return failure_code(static_cast<unsigned>(std::min<std::uint64_t>(error->number("code").value_or(0), 9999)));
}

}  // namespace

std::string_view name(MemberResult result) {
  switch (result) {
    case MemberResult::unknown: return "unknown";
    case MemberResult::added: return "added";
    case MemberResult::removed: return "removed";
    case MemberResult::promoted: return "promoted";
    case MemberResult::demoted: return "demoted";
    case MemberResult::approved: return "approved";
    case MemberResult::rejected: return "rejected";
    case MemberResult::cancelled: return "cancelled";
    case MemberResult::bad_jid: return "bad_jid";
    case MemberResult::not_authorised: return "not_authorised";
    case MemberResult::invite_required: return "invite_required";
    case MemberResult::privacy: return "privacy";
    case MemberResult::not_on_whatsapp: return "not_on_whatsapp";
    case MemberResult::not_acceptable: return "not_acceptable";
    case MemberResult::recently_left: return "recently_left";
    case MemberResult::already_member: return "already_member";
    case MemberResult::community_full_or_closed: return "community_full_or_closed";
    case MemberResult::group_full: return "group_full";
    case MemberResult::server_error: return "server_error";
    case MemberResult::not_admin: return "not_admin";
    case MemberResult::not_permitted: return "not_permitted";
    case MemberResult::not_a_member: return "not_a_member";
    case MemberResult::already_in_role: return "already_in_role";
    case MemberResult::failed: return "failed";
  }
  return "failed";
}

MemberOperation operation_of(MemberAction action) {
  switch (action) {
    case MemberAction::add: return MemberOperation::add;
    case MemberAction::remove: return MemberOperation::remove;
    case MemberAction::promote: return MemberOperation::promote;
    case MemberAction::demote: break;
  }
  return MemberOperation::demote;
}

MemberOutcome outcome_of(MemberOperation operation, const MemberRow& row) {
  MemberOutcome outcome{row.who, done(operation), code_success, {}};
  if (!row.error) return outcome;
  outcome.code = failure_code(*row.error);
  outcome.result = failure(operation, outcome.code);
  if (outcome.result == MemberResult::privacy && row.add_request) {
    outcome.result = MemberResult::invite_required;
    outcome.invite = row.add_request;
  }
  return outcome;
}

MemberOutcomes correlate(MemberOperation operation, std::span<const MemberRef> asked,
                         std::span<const std::optional<MemberRow>> rows) {
  Asked names(asked);
  std::vector<std::optional<std::size_t>> asked_of(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i]) asked_of[i] = names.take_by_jid(rows[i]->who);
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i] && !asked_of[i]) asked_of[i] = names.take_by_any_name(rows[i]->who);
  if (rows.size() == asked.size()) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] && !asked_of[i] && could_be(asked[i], rows[i]->who) && names.take(i)) asked_of[i] = i;
    }
  }
  MemberOutcomes outcomes;
  for (const MemberRef& ref : asked) {
    outcomes.asked.push_back({person(ref.jid, ref.phone_number), MemberResult::unknown, 0, {}});
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i]) continue;
    MemberOutcome outcome = outcome_of(operation, *rows[i]);
    if (asked_of[i]) outcomes.asked[*asked_of[i]] = std::move(outcome);
    else outcomes.unasked.push_back(std::move(outcome));
  }
  return outcomes;
}

GroupOutcomes correlate(std::span<const Jid> asked, const Node& list) {
  GroupOutcomes outcomes;
  std::unordered_map<Jid, std::size_t> position;
  for (const Jid& group : asked) {
    position.emplace(group, outcomes.asked.size());
    outcomes.asked.push_back({group, {}});
  }
  for (const Node* row : list.children("group")) {
    if (outcomes.unasked.size() == max_rows) break;
    const auto group = group_attr(*row, row->has("id") ? "id" : "jid");
    if (!group) continue;
    const GroupOutcome outcome{*group, group_code(*row)};
    const auto found = position.find(*group);
    if (found != position.end() && !outcomes.asked[found->second].code) outcomes.asked[found->second] = outcome;
    else outcomes.unasked.push_back(outcome);
  }
  return outcomes;
}

}  // namespace wharf::protocol::groups
