#pragma once
// What of a session's messages stands in the plain media folder (media_folder.h).

#include "sessions/context.h"

namespace wharf::sessions {

/// The file of this message, which is in the vault as its content tells, when there is a folder; nothing of a message
/// without a file, or of one that can be seen once.
void copy_to_folder(Context& context, const storage::MessageRow& message);
/// The message is deleted here.
void remove_from_folder(Context& context, const storage::MessageRow& message);
/// In the turn that removes it.
void remove_session_from_folder(Context& context);

}  // namespace wharf::sessions
