#include "sessions/media/folder_copies.h"

#include "sessions/media/stored_media.h"

namespace wharf::sessions {

void copy_to_folder(Context& context, const storage::MessageRow& message) {
  if (!context.settings.copies_media) return;
  const auto media = stored_media(message.content);
  if (!media || media->view_once) return;
  context.turn.effects.emplace_back(
      CopyToFolder{{context.row.name, message.id, message.timestamp, media->reference, media->kind}});
}

void remove_from_folder(Context& context, const storage::MessageRow& message) {
  if (!context.settings.copies_media) return;
  context.turn.effects.emplace_back(RemoveFromFolder{{context.row.name, message.id, message.timestamp}});
}

}  // namespace wharf::sessions
