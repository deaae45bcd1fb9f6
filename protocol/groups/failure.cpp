#include "protocol/groups/failure.h"

#include <array>
#include <stdexcept>

#include "protocol/stanzas/iq.h"

namespace wharf::protocol::groups {

namespace {

struct CodeRow {
  unsigned code;
  Failure failure;
};
constexpr std::array general = {
    CodeRow{304, Failure::not_modified},
    CodeRow{400, Failure::bad_request},
    CodeRow{401, Failure::not_authorised},
    CodeRow{403, Failure::forbidden},
    CodeRow{404, Failure::not_found},
    CodeRow{405, Failure::not_allowed},
    CodeRow{406, Failure::not_acceptable},
    CodeRow{408, Failure::timed_out},
    CodeRow{409, Failure::conflict},
    CodeRow{410, Failure::gone},
    CodeRow{412, Failure::precondition_failed},
    CodeRow{416, Failure::parent_suspended},
    CodeRow{419, Failure::limit_reached},
    CodeRow{421, Failure::stale_addressing},
    CodeRow{423, Failure::locked},
    CodeRow{429, Failure::rate_limited},
    CodeRow{436, Failure::growth_locked},
    CodeRow{500, Failure::server_error},
    CodeRow{503, Failure::unavailable},
    CodeRow{530, Failure::partial_error},
};

struct Meaning {
  Operation operation;
  unsigned code;
  Failure failure;
};
constexpr std::array particular = {
    Meaning{Operation::metadata, 403, Failure::not_in_group},
    Meaning{Operation::metadata, 404, Failure::group_not_found},
    Meaning{Operation::change, 401, Failure::not_admin},
    Meaning{Operation::change, 403, Failure::not_in_group},
    Meaning{Operation::change, 404, Failure::group_not_found},
    Meaning{Operation::description, 401, Failure::not_admin},
    Meaning{Operation::description, 403, Failure::not_in_group},
    Meaning{Operation::description, 404, Failure::group_not_found},
    Meaning{Operation::description, 409, Failure::stale_description},
    Meaning{Operation::picture, 401, Failure::not_admin},
    Meaning{Operation::picture, 403, Failure::not_in_group},
    Meaning{Operation::picture, 406, Failure::bad_image},
    Meaning{Operation::invite_code, 401, Failure::not_admin},
    Meaning{Operation::invite_code, 403, Failure::not_in_group},
    Meaning{Operation::invite_code, 404, Failure::group_not_found},
    Meaning{Operation::preview, 404, Failure::group_not_found},
    Meaning{Operation::preview, 406, Failure::link_invalid},
    Meaning{Operation::preview, 410, Failure::link_revoked},
    Meaning{Operation::join, 304, Failure::already_member},
    Meaning{Operation::join, 404, Failure::group_not_found},
    Meaning{Operation::join, 405, Failure::removed_by_admin},
    Meaning{Operation::join, 406, Failure::link_invalid},
    Meaning{Operation::join, 409, Failure::already_member_or_conflict},
    Meaning{Operation::join, 410, Failure::link_revoked},
    Meaning{Operation::join, 412, Failure::community_full},
    Meaning{Operation::join, 419, Failure::group_full},
    Meaning{Operation::community, 401, Failure::not_admin},
    Meaning{Operation::community, 403, Failure::not_in_group},
    Meaning{Operation::community, 404, Failure::group_not_found},
    Meaning{Operation::community, 406, Failure::community_full},
};

}  // namespace

std::string_view name(Failure failure) {
  switch (failure) {
    case Failure::not_modified: return "not_modified";
    case Failure::bad_request: return "bad_request";
    case Failure::not_authorised: return "not_authorised";
    case Failure::forbidden: return "forbidden";
    case Failure::not_found: return "not_found";
    case Failure::not_allowed: return "not_allowed";
    case Failure::not_acceptable: return "not_acceptable";
    case Failure::timed_out: return "timed_out";
    case Failure::conflict: return "conflict";
    case Failure::gone: return "gone";
    case Failure::precondition_failed: return "precondition_failed";
    case Failure::parent_suspended: return "parent_suspended";
    case Failure::limit_reached: return "limit_reached";
    case Failure::stale_addressing: return "stale_addressing";
    case Failure::locked: return "locked";
    case Failure::rate_limited: return "rate_limited";
    case Failure::growth_locked: return "growth_locked";
    case Failure::server_error: return "server_error";
    case Failure::unavailable: return "unavailable";
    case Failure::partial_error: return "partial_error";
    case Failure::failed: return "failed";
    case Failure::bad_response: return "bad_response";
    case Failure::not_in_group: return "not_in_group";
    case Failure::not_admin: return "not_admin";
    case Failure::group_not_found: return "group_not_found";
    case Failure::stale_description: return "stale_description";
    case Failure::bad_image: return "bad_image";
    case Failure::already_member: return "already_member";
    case Failure::already_member_or_conflict: return "already_member_or_conflict";
    case Failure::removed_by_admin: return "removed_by_admin";
    case Failure::link_invalid: return "link_invalid";
    case Failure::link_revoked: return "link_revoked";
    case Failure::group_full: return "group_full";
    case Failure::community_full: return "community_full";
  }
  return "failed";
}

bool GroupFailure::retryable() const { return code == 408 || code == 429 || code == 500 || code == 503; }

Error GroupFailure::error() const {
  const Errc errc = failure == Failure::bad_response   ? Errc::malformed
                    : failure == Failure::rate_limited ? Errc::rate_limited
                                                       : Errc::refused;
  std::string detail(name(failure));
  if (code != 0) detail.append(" ").append(std::to_string(code));
  if (!text.empty()) detail.append(" ").append(text);
  return {errc, std::move(detail)};
}

void throw_exception_from_error(const GroupFailure& failure, const boost::source_location&) {
  throw std::logic_error("unchecked group failure: " + failure.error().detail);
}

GroupFailure bad_response(std::string_view what) { return {Failure::bad_response, 0, std::string(what), 0}; }

Failure failure_of(Operation operation, unsigned code) {
  for (const Meaning& row : particular)
    if (row.operation == operation && row.code == code) return row.failure;
  for (const CodeRow& row : general)
    if (row.code == code) return row.failure;
  return Failure::failed;
}

GroupResult<> succeeded(Operation operation, const Node& answer) {
  if (const auto error = iq_error_of(answer)) {
    return GroupFailure{failure_of(operation, error->code), error->code, error->text, error->backoff_seconds};
  }
  if (!answer.is("iq") || answer.attr("type") != "result") return bad_response("no result");
  return {};
}

}  // namespace wharf::protocol::groups
