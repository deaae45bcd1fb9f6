#pragma once
// Where the files of messages to be sent come from: the body of the request, an address, or a message that is stored.

#include <boost/json/object.hpp>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "api/sending.h"
#include "api/services.h"
#include "sessions/media/stored_media.h"

namespace wharf::api {

struct FileAddress {
  std::string url;
};
struct FileOfMessage {
  std::string id;  // of a stored message, as it was given
};

/// One file that a request asks to be sent.
struct WantedFile {
  std::string field;  // of its source: "data", "file", "url", "files[1].mediaMessageId"
  std::string at;     // before the names of what is said of it: "", "files[1]."
  std::variant<TakenFile, FileAddress, FileOfMessage> source;
  const boost::json::object* said = nullptr;  // where that stands: the body, or a member of its `files`
};

/// The files of a validated body, in order, at least one: those of its `files`, else the parts of a form, else its one
/// `data`, `url` or `mediaMessageId`. call->files move out; `said` points into call->body. Failures name the field.
std::variant<std::vector<WantedFile>, Failure> wanted_files(const CallPtr& call);

/// A file that has come, or one that lies on WhatsApp's servers already and is announced again.
using MediaSource = std::variant<TakenFile, sessions::StoredMedia, Failure>;

/// Gets it. `kind`: as what it will be kept. `done` runs once.
void open_source(const ServicesPtr& services, const CallPtr& call, protocol::MessageKind kind, WantedFile file,
                 std::function<void(MediaSource)> done);

using MediaOpened = std::function<void(std::variant<std::shared_ptr<sessions::MediaReader>, Failure>)>;
/// The file of a stored message as plain bytes, fetched from WhatsApp's servers when it is not here.
void open_media(const ServicesPtr& services, const CallPtr& call, const NamedMessage& message,
                const sessions::StoredMedia& media, MediaOpened done);
/// The same of a post as a page shows it.
void open_media(const ServicesPtr& services, const CallPtr& call, const sessions::FetchPostFile& post,
                const sessions::StoredMedia& media, MediaOpened done);

}  // namespace wharf::api
