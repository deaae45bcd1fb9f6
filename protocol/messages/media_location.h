#pragma once
// Where the file of a media message is, put into a Message that is otherwise kept byte for byte: after an upload, when
// the phone has uploaded a lost file again, and when another message's upload of the same file is announced once more.
// Specification 04 sections 3.1, 5 and 6.

#include <optional>
#include <string>

#include "protocol/bytes.h"
#include "protocol/media/media_kind.h"
#include "protocol/messages/content.h"

namespace wharf::protocol {

struct MediaPlace {
  std::string url;  // "" after a re-upload: the old one is void
  std::string direct_path;
  std::string metadata_url;  // of videos; "" leaves what is there
  std::int64_t key_at = 0;   // unix seconds, when it was uploaded; 0 leaves what is there
};

/// `message` may be wrapped. As it is when it holds no media.
Bytes with_media_place(ByteView message, const MediaPlace& place);

/// `message` with the upload that `other` announces: its place, key, hash of the encrypted file and sidecar. Both are
/// of the same plain file and the same kind; of another kind of content `message` is as it is. Everything else that is
/// said of the file (name, type, preview) stays that of `message`.
Bytes with_upload_of(ByteView message, ByteView other);

/// `message` as channels have it, whose files are not encrypted: without key, its time, hash of the encrypted file and
/// sidecar (04 section 3.4).
Bytes without_media_key(ByteView message);

/// What decides the keys of a message's file; nullopt for kinds without one.
std::optional<MediaKind> media_kind(MessageKind kind);

}  // namespace wharf::protocol
