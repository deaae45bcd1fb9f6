#include "sandbox/network/groups/group_pictures.h"

#include <string>
#include <utility>

#include "protocol/groups/results.h"
#include "sandbox/network/pictures.h"

namespace wharf::sandbox {

namespace groups = protocol::groups;

std::optional<unsigned> GroupPictures::why_not(const Group* group, const Party& actor) const {
  if (group == nullptr) return 404;
  if (group->member(actor.account.phone) == nullptr) return 403;
  if (group->settings.locked && !group->is_admin(actor.account.phone)) return 401;
  return std::nullopt;
}

GroupAnswer GroupPictures::set(const Party& actor, const groups::SetPicture& asked) {
  auto* group = store_.find(asked.group);
  if (const auto refusal = why_not(group, actor)) return GroupAnswer::refused(*refusal);
  if (!pictures::acceptable(asked.jpeg)) return GroupAnswer::refused(406);
  put(*group, actor, asked.jpeg);
  groups::Picture told;
  told.id = std::to_string(group->picture);
  return GroupAnswer::with(groups::picture_node(told));
}

GroupAnswer GroupPictures::remove(const Party& actor, const groups::RemovePicture& asked) {
  auto* group = store_.find(asked.group);
  if (const auto refusal = why_not(group, actor)) return GroupAnswer::refused(*refusal);
  if (group->picture != 0) put(*group, actor, {});
  return GroupAnswer::done();
}

void GroupPictures::put(Group& group, const Party& actor, Bytes picture) {
  const bool none = picture.empty();
  group.picture = none ? 0 : pictures::next_id(group.picture, c_.unix_seconds());
  group.picture_jpeg = std::move(picture);
  store_.changed(group);
  store_.picture_changed(group);
  Node change(none ? "delete" : "set");
  change.set("jid", group.jid());
  if (!none) change.set("id", group.picture);
  change.set("author", group.form(actor.account));
  tell(group, actor, std::move(change));
}

void GroupPictures::tell(const Group& group, const Party& author, Node change) {
  Node notification("notification");
  notification.set("from", group.jid()).set("type", "picture").set("id", c_.next_id()).set("t", c_.unix_seconds());
  notification.set("participant", group.form(author.account)).add(std::move(change));
  for (const auto& [phone, member] : group.members) {
    for (const auto& [device, known] : accounts_.find(phone)->account.devices)
      delivery_.enqueue({phone, device}, notification);
  }
}

GroupAnswer GroupPictures::get(const Party& actor, const groups::GetPicture& asked) const {
  const auto* group = store_.find(asked.group);
  if (group == nullptr || group->picture == 0) return GroupAnswer::refused(404);
  if (group->member(actor.account.phone) == nullptr) return GroupAnswer::refused(401);
  groups::Picture told;
  told.id = std::to_string(group->picture);
  if (asked.known_id == told.id)  // 05 section 13 item 3; an answer without a child is one to distrust
    return GroupAnswer::with(Node("picture").set("id", told.id).set("status", "304"));
  told.type = asked.preview ? "preview" : "image";
  told.direct_path = pictures::direct_path(group->id, group->picture);
  told.url = pictures::url(c_.settings.media_host, told.direct_path);
  return GroupAnswer::with(groups::picture_node(told));
}

const Bytes* GroupPictures::media(std::string_view direct_path) const {
  const auto place = pictures::place_of(direct_path);
  const auto* group = place ? store_.find(place->owner) : nullptr;
  return group != nullptr && group->picture == place->id ? &group->picture_jpeg : nullptr;
}

}  // namespace wharf::sandbox
