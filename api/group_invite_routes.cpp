// Handlers of the ways into a group: its link, and invitations that came as messages.
#include <fmt/format.h>
#include <boost/json/parse.hpp>

#include <functional>
#include <limits>
#include <utility>
#include <variant>

#include "api/chat_id.h"
#include "api/group_json.h"
#include "api/group_request.h"
#include "api/handlers.h"
#include "api/sending.h"
#include "protocol/groups/invite.h"
#include "storage/messages.h"

namespace wharf::api {

namespace groups = protocol::groups;
using sessions::AskGroup;
using sessions::GroupAnswer;

namespace {

void answer_invite(const CallPtr& call, const GroupAnswer& answer) {
  JsonWriter out(128);
  out.begin_object().text("code", answer.invite_code).text("link", groups::invite_link(answer.invite_code));
  call->success(out.end_object().take());
}

}  // namespace

void get_invite(const ServicesPtr& services, const CallPtr& call) {
  if (const auto group = group_of(services, call))
    ask_group(services, call, groups::GetInvite{*group}, [call](const GroupAnswer& a) { answer_invite(call, a); });
}
void reset_invite(const ServicesPtr& services, const CallPtr& call) {
  if (const auto group = group_of(services, call))
    ask_group(services, call, groups::ResetInvite{*group}, [call](const GroupAnswer& a) { answer_invite(call, a); });
}

namespace {

constexpr const char* invite_is_over =
    "was reset, or was never the invite of a group; an invitation that came as a message is taken with POST "
    "…/messages/{messageId}/accept-invitation";

/// The invitation that the message holds. A text: why it is none that can be accepted. All of it is the sender's word.
std::variant<groups::AcceptInvitation, std::string> invitation_of(const storage::MessageRow& row) {
  if (row.kind != "group_invite") return std::string("must be a message with an invitation to a group");
  if (row.from_me) return std::string("must be an invitation that came in: the account cannot accept its own");
  if (row.revoked_at != 0) return std::string("is taken back by whoever sent it");
  boost::system::error_code failed;
  const auto details = boost::json::parse(row.details, failed);
  const auto* shown = failed || !details.is_object() ? nullptr : details.get_object().if_contains("groupInvite");
  constexpr const char* unusable =
      "holds no invitation that can be accepted: its group, its code or its end is missing";
  if (shown == nullptr || !shown->is_object()) return std::string(unusable);
  const auto& invite = shown->get_object();
  const auto group = parse_chat_id(text_of(invite, "groupId"));
  groups::Invitation invitation;
  invitation.code = text_of(invite, "code");
  const std::int64_t end = integer_of(invite, "expiresAt").value_or(0);
  const bool usable = group && group->is_group() && groups::is_invite_code(invitation.code) && end > 0 &&
                      end <= std::numeric_limits<std::uint32_t>::max();
  if (!usable) return std::string(unusable);
  invitation.expires_at = static_cast<std::uint32_t>(end);
  invitation.admin = row.author;
  return groups::AcceptInvitation{*group, std::move(invitation)};
}

void answer_joined(const CallPtr& call, const GroupAnswer& answer) {
  const bool pending = answer.joined && answer.joined->state == groups::JoinState::pending_approval;
  JsonWriter out(128);
  out.begin_object().text("gid", answer.joined ? answer.joined->group.to_string() : std::string());
  out.text("status", pending ? "pendingApproval" : "joined");
  call->success(out.end_object().take());
}

/// Asks about the invite that `field` brings; what WhatsApp says against it is said of the field, too.
void ask_invite(const ServicesPtr& services, const CallPtr& call, const char* field, const char* why,
                groups::GroupRequest request, std::function<void(const GroupAnswer&)> done) {
  ask(services, call, AskGroup{std::move(request)},
      [call, field, why, done = std::move(done)](const sessions::Outcome<GroupAnswer>& answer) {
        if (answer) return done(*answer);
        Failure failure = failure_of(call, answer.error());
        if (failure.code == ErrorCode::validation || failure.code == ErrorCode::group_not_found)
          failure.details.emplace_back(field, why);
        call->failure(std::move(failure));
      });
}

}  // namespace

void join_group(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  const auto code = groups::invite_code(text_of(call->body, "link"));
  if (!code) return refuse_field(call, "link", "must be a link https://chat.whatsapp.com/… or its code");
  ask_invite(services, call, "link", invite_is_over, groups::JoinByInvite{*code},
             [call](const GroupAnswer& answer) { answer_joined(call, answer); });
}

void accept_invitation(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  const auto named = message_of_path(services, call);
  if (!named) return;
  const auto row = find_named(services->ports.store.reader(), view->id, *named);
  if (!row)
    return call->failure(
        Failure(ErrorCode::message_not_found, fmt::format("no message with ID '{}' is stored", named->id)));
  auto read = invitation_of(*row);
  if (const auto* why = std::get_if<std::string>(&read)) return refuse_field(call, "messageId", *why);
  ask_invite(services, call, "messageId", "its invitation is over, used, taken back, or was never one for this account",
             std::get<groups::AcceptInvitation>(std::move(read)),
             [call](const GroupAnswer& answer) { answer_joined(call, answer); });
}

void preview_invite(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  const auto code = groups::invite_code(call->param("code"));
  if (!code) return refuse_field(call, "code", "must be the code of an invite link");
  ask_invite(services, call, "code", invite_is_over, groups::PreviewInvite{*code}, [call](const GroupAnswer& answer) {
    if (!answer.group) return call->failure(Failure(ErrorCode::group_not_found, "WhatsApp says nothing of it"));
    call->success(group_json(*answer.group, call->dialect));
  });
}

}  // namespace wharf::api
