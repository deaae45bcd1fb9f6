// The types of groups, of who is in them, and of pictures.
#include "api/schema_words.h"
#include "api/schemas.h"

namespace wharf::api::schemas {
namespace {

// A row is a field.
// clang-format off
#define WHARF_PARTICIPANTS {.name = "participants", .type = Type::texts, .summary = "user ids", .required = true, .min = 1, .max = 1024, .format = &formats::user_id}
#define WHARF_GROUP_SETTINGS                                                                                            \
  {.name = "announce", .type = Type::boolean, .summary = "admins alone send"},                                           \
      {.name = "locked", .type = Type::boolean, .summary = "admins alone edit name, description and picture"},           \
      {.name = "joinApproval", .type = Type::boolean, .summary = "admins approve who joins by the link"},                \
      {.name = "memberAddMode", .summary = "who adds members", .one_of = "admins|all"},                                  \
      {.name = "memberLinkMode", .summary = "who shares the invite link", .one_of = "admins|all"}
constexpr Field create_group_fields[] = {
    {.name = "name", .required = true, .min = 1, .max = 100},
    {.name = "participants", .type = Type::texts, .summary = "user ids", .required = true, .max = 1024, .format = &formats::user_id},
    {.name = "description", .max = 2048},
    WHARF_GROUP_SETTINGS,
    {.name = "disappearing", .type = Type::integer, .summary = "seconds that new messages stay; 0: for good", .one_of = timers},
    {.name = "isCommunity", .type = Type::boolean, .summary = "makes a community"},
    {.name = "communityId", .summary = "the community that the group belongs to", .format = &formats::group_id},
};
constexpr Field update_group_fields[] = {
    {.name = "name", .min = 1, .max = 100},
    {.name = "description", .summary = "null or \"\" takes it away", .max = 2048, .nullable = true},
    WHARF_GROUP_SETTINGS,
    {.name = "disappearing", .type = Type::integer, .summary = "seconds that new messages stay; 0: for good", .one_of = timers},
};
constexpr Field group_people_fields[] = {WHARF_PARTICIPANTS};
constexpr Field join_group_fields[] = {
    {.name = "link", .summary = "https://chat.whatsapp.com/… or its code", .required = true, .min = 10, .max = 300},
};
constexpr Field decide_requests_fields[] = {
    {.name = "approve", .type = Type::texts, .summary = "user ids", .max = 256, .format = &formats::user_id},
    {.name = "reject", .type = Type::texts, .summary = "user ids", .max = 256, .format = &formats::user_id},
};
constexpr Field linked_groups_fields[] = {
    {.name = "groups", .type = Type::texts, .summary = "group ids", .required = true, .min = 1, .max = 100, .format = &formats::group_id},
};
constexpr Field group_query_fields[] = {
    {.name = "refresh", .type = Type::boolean, .summary = "asks WhatsApp instead of the stored copy"},
};
constexpr Field group_person_fields[] = {
    {.name = "id", .required = true}, {.name = "lid"}, {.name = "role", .one_of = "member|admin|superadmin"},
    {.name = "isAdmin", .type = Type::boolean},
};
constexpr Schema group_person = {"GroupPerson", group_person_fields};
constexpr Field group_fields[] = {
    {.name = "id", .required = true}, {.name = "name", .required = true}, {.name = "description"},
    {.name = "owner"}, {.name = "ownerLid"}, {.name = "createdAt", .format = &formats::date_time},
    {.name = "size", .type = Type::integer, .summary = "how many are in it; not of one that the account has left"}, {.name = "addressingMode", .one_of = "lid|pn"},
    {.name = "isMember", .type = Type::boolean, .summary = "the own account is in it", .required = true},
    {.name = "isAdmin", .type = Type::boolean, .summary = "the own account is", .required = true},
    WHARF_GROUP_SETTINGS,
    {.name = "disappearing", .type = Type::integer, .summary = "seconds that new messages stay"},
    {.name = "isCommunity", .type = Type::boolean}, {.name = "communityId"}, {.name = "isCommunityAnnounce", .type = Type::boolean},
    {.name = "suspended", .type = Type::boolean, .summary = "by WhatsApp"},
    {.name = "participants", .type = Type::objects, .required = true, .object = &group_person},
};
constexpr Field member_outcome_fields[] = {
    {.name = "id", .required = true}, {.name = "lid"},
    {.name = "status", .type = Type::integer, .summary = "WhatsApp's code: 200 done; 0: it says nothing of that person", .required = true},
    {.name = "result", .summary = "added, removed, promoted, invite_required, not_on_whatsapp, not_admin, …", .required = true},
    {.name = "reason", .summary = "of what was not done: why, and what helps"},
    {.name = "inviteCode", .summary = "of invite_required: for an invitation message"},
    {.name = "inviteExpiresAt", .format = &formats::date_time},
};
constexpr Schema member_outcome = {"MemberOutcome", member_outcome_fields};
constexpr Field member_outcomes_fields[] = {
    {.name = "participants", .type = Type::objects, .required = true, .object = &member_outcome},
};
constexpr Field created_group_fields[] = {
    {.name = "gid", .required = true},
    {.name = "participants", .type = Type::objects, .required = true, .object = &member_outcome},
    {.name = "group", .type = Type::object, .object = &group},
    {.name = "replayed", .type = Type::boolean, .summary = "true: it was made before under this Idempotency-Key"},
};
constexpr Field updated_group_fields[] = {
    {.name = "id", .required = true}, {.name = "updated", .type = Type::texts, .summary = "names of the fields", .required = true},
};
constexpr Field set_picture_fields[] = {
    {.name = "data", .summary = "an image as data URL or base64; or a part of a form; or url; or mediaMessageId. The square in its middle is shown"},
    {.name = "url", .summary = "where to fetch it: http or https", .min = 1, .max = 2048, .format = &formats::url},
    {.name = "mediaMessageId", .summary = "a stored message with a picture", .format = &formats::message_id},
};
constexpr Field picture_fields[] = {
    {.name = "id", .summary = "of the group, channel or person", .required = true}, {.name = "lid"}, {.name = "number", .summary = "digits"}, {.name = "pictureId", .required = true},
    {.name = "type", .one_of = "image|preview"}, {.name = "url", .summary = "where WhatsApp has it, for some hours"},
};
constexpr Field removed_picture_fields[] = {{.name = "id", .required = true}, {.name = "lid"}, {.name = "number", .summary = "digits"}, {.name = "removed", .type = Type::boolean, .required = true}};
constexpr Field picture_query_fields[] = {{.name = "preview", .type = Type::boolean, .summary = "the small one"}};
constexpr Field group_invite_fields[] = {{.name = "code", .required = true}, {.name = "link", .required = true}};
constexpr Field joined_group_fields[] = {
    {.name = "gid", .required = true}, {.name = "status", .required = true, .one_of = "joined|pendingApproval"},
};
constexpr Field left_group_fields[] = {{.name = "id", .required = true}, {.name = "left", .type = Type::boolean, .required = true}};
constexpr Field join_request_fields[] = {
    {.name = "id", .required = true}, {.name = "lid"}, {.name = "method", .summary = "invite_link, linked_group_join, non_admin_add"},
    {.name = "requestedAt", .format = &formats::date_time},
};
constexpr Field group_status_fields[] = {
    {.name = "id", .required = true}, {.name = "status", .type = Type::integer, .summary = "WhatsApp's code: 200 done; 0: it says nothing of that group", .required = true},
    {.name = "result", .required = true, .one_of = "linked|unlinked|failed"}, {.name = "reason", .summary = "of what failed"},
};
constexpr Schema group_status = {"GroupStatus", group_status_fields};
constexpr Field group_statuses_fields[] = {
    {.name = "groups", .type = Type::objects, .required = true, .object = &group_status},
};
// clang-format on

}  // namespace

constinit const Schema create_group = {"CreateGroup", create_group_fields};
constinit const Schema update_group = {"UpdateGroup", update_group_fields};
constinit const Schema group_people = {"GroupPeople", group_people_fields};
constinit const Schema join_group = {"JoinGroup", join_group_fields};
constinit const Schema decide_requests = {"DecideJoinRequests", decide_requests_fields};
constinit const Schema linked_groups = {"LinkedGroups", linked_groups_fields};
constinit const Schema group_query = {"", group_query_fields};
constinit const Schema group = {"Group", group_fields};
constinit const Schema member_outcomes = {"MemberOutcomes", member_outcomes_fields};
constinit const Schema created_group = {"CreatedGroup", created_group_fields};
constinit const Schema updated_group = {"UpdatedGroup", updated_group_fields};
constinit const Schema set_picture = {"SetPicture", set_picture_fields};
constinit const Schema picture = {"Picture", picture_fields};
constinit const Schema removed_picture = {"RemovedPicture", removed_picture_fields};
constinit const Schema picture_query = {"", picture_query_fields};
constinit const Schema group_invite = {"GroupInvite", group_invite_fields};
constinit const Schema joined_group = {"JoinedGroup", joined_group_fields};
constinit const Schema left_group = {"LeftGroup", left_group_fields};
constinit const Schema join_request = {"JoinRequest", join_request_fields};
constinit const Schema group_statuses = {"GroupStatuses", group_statuses_fields};

}  // namespace wharf::api::schemas
