#include "sessions/media/folder_copies.h"

#include <utility>

#include "sessions/media/stored_media.h"

namespace wharf::sessions {

namespace {

void remove(Context& context, storage::FolderRemoval removal) {
  context.records.add(storage::PutFolderRemoval{removal});
  context.turn.effects.emplace_back(RemoveFromFolder{std::move(removal)});
}

}  // namespace

void copy_to_folder(Context& context, const storage::MessageRow& message) {
  if (!context.settings.copies_media) return;
  const auto media = stored_media(message);
  if (!media || media->view_once) return;
  context.turn.effects.emplace_back(
      CopyToFolder{{context.row.name, message.id, message.from_me, message.timestamp, media->reference, media->kind}});
}

void remove_from_folder(Context& context, const storage::MessageRow& message) {
  if (!context.settings.copies_media) return;
  // Whatever it says now: what it said before it was deleted for everyone may stand there.
  remove(context, {context.row.name, message.id, message.from_me, message.timestamp, message.created_at});
}

void remove_session_from_folder(Context& context) {
  if (context.settings.copies_media) remove(context, {context.row.name, {}, false, 0, 0});
}

}  // namespace wharf::sessions
