#pragma once
// One turn: the rows that change and what happens after they are durable. Commit before effect (docs/architecture.md).

#include <chrono>
#include <cstdint>
#include <functional>
#include <variant>
#include <vector>

#include "protocol/binary/node.h"
#include "protocol/bytes.h"
#include "sessions/media/media_folder.h"
#include "sessions/media/media_transfers.h"
#include "sessions/reply.h"
#include "sessions/session_view.h"
#include "sessions/unique_function.h"
#include "storage/changes.h"

namespace wharf::sessions {

/// Sends one encoded node on the live connection; dropped when there is none (what must not be lost is in a row).
struct SendPayload {
  protocol::Bytes payload;
};
/// Answers who asked (Context::answer). `failure` is set when the commit failed: nothing of the turn happened.
struct Answer {
  UniqueFunction<void(const protocol::Error* failure)> deliver;
};
/// Answers with what users see of the session once the turn is durable.
struct AnswerWithView {
  Reply<SessionView> reply;
};
/// Connects after `delay` (0: at once). The actor asks the session for the payload when the socket is open.
struct OpenLink {
  std::chrono::milliseconds delay{0};
  std::uint64_t epoch = 0;  // LinkState::epoch() of the connection: one that the session has left is not begun any more
};
/// Closes the connection after what was sent before in this turn; a close of ours causes no LinkDown input.
struct CloseLink {};
/// Runs `work` on a worker thread; `then` comes back as an input of a later turn.
struct RunWork {
  std::function<void()> work;
  UniqueFunction<void()> then;
};
/// Moves a file; `then` comes back as an input of a later turn, unless the transfer was cancelled by its number.
struct StartUpload {
  std::uint64_t number = 0;
  MediaUpload upload;
  UniqueFunction<void(Transferred<protocol::UploadAnswer>)> then;
};
struct StartDownload {
  std::uint64_t number = 0;
  MediaDownload download;
  UniqueFunction<void(Transferred<void>)> then;
};
struct FetchSmallFile {
  std::uint64_t number = 0;
  SmallFile file;
  UniqueFunction<void(Transferred<protocol::Bytes>)> then;
};
struct CancelTransfer {
  std::uint64_t number = 0;
};
/// No row needs this file of the vault's outgoing/ any more. kept: it was uploaded, and may be asked for.
struct ReleaseFile {
  MediaName name{};
  bool kept = false;
};
/// The plain file of a message for the media folder, before what this turn releases of the vault.
struct CopyToFolder {
  FolderCopy copy;
};
/// The row that says so is in this turn.
struct RemoveFromFolder {
  storage::FolderRemoval removal;
};
/// The session is removed; the actor ends with this turn.
struct Finished {};
using Effect =
    std::variant<SendPayload, Answer, AnswerWithView, OpenLink, CloseLink, RunWork, StartUpload, StartDownload,
                 FetchSmallFile, CancelTransfer, ReleaseFile, CopyToFolder, RemoveFromFolder, Finished>;

struct Turn {
  storage::Changes changes;
  std::vector<Effect> effects;
};

/// The turn did not happen: whoever it would have answered hears why. Other effects stay.
void fail_answers(std::vector<Effect>& effects, const protocol::Error& why);

}  // namespace wharf::sessions
