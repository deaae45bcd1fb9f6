// Handlers of messages with files. A request may bring several: then all of them are ready before the first is
// accepted, so that one that cannot be sent leaves nothing behind, and the session takes all or none
// (sessions::SendMessages).
//
// A request that names itself is looked up before anything is fetched for it. What makes it the same request is its
// fields, and of what came in its body the content: an address and the id of a stored message are fields.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/chat_id.h"
#include "api/handlers.h"
#include "api/media_source.h"
#include "api/schemas.h"
#include "api/sending.h"
#include "web/file_name.h"
#include "web/header_parameters.h"

namespace wharf::api {
namespace {

namespace json = boost::json;
using protocol::MessageKind;

/// What is a field of another kind must not vanish: "seen once" least of all. nullptr: there is none.
const char* misplaced(const json::object& body, MessageKind kind) {
  const bool picture = kind == MessageKind::image || kind == MessageKind::video || kind == MessageKind::gif;
  const bool sound = kind == MessageKind::audio || kind == MessageKind::voice;
  if (says(body, "viewOnce") && !picture && !sound && kind != MessageKind::video_note) return "viewOnce";
  if (says(body, "caption") && !picture && kind != MessageKind::document) return "caption";
  if (says(body, "album") && kind != MessageKind::image && kind != MessageKind::video) return "album";
  if (says(body, "gif") && kind != MessageKind::gif) return "gif";
  if (says(body, "round") && kind != MessageKind::video_note) return "round";
  return nullptr;
}

/// A file on the servers is announced again, as it was, with what is said anew around it.
sessions::SendMedia announced_again(sessions::StoredMedia stored, const MediaWish& wish) {
  sessions::SendMedia out;
  out.content.kind = stored.message_kind;
  out.content.file = std::move(stored.file);
  out.content.caption = wish.caption;
  if (!wish.file_name.empty()) out.content.file.file_name = web::safe_file_name(wish.file_name);
  if (!wish.mimetype.empty()) out.content.file.mimetype = web::lower_case(wish.mimetype);
  out.view_once = wish.view_once;
  return out;
}

/// The files of one request on their way to be messages. It lives in its pending completions: when the request ends
/// before they are handed over, what is ready is dropped.
class FileRequest : public std::enable_shared_from_this<FileRequest> {
 public:
  FileRequest(ServicesPtr services, CallPtr call, const Schema& schema, MessageKind kind, sessions::SendMessage around)
      : services_(std::move(services)),
        call_(std::move(call)),
        schema_(schema),
        kind_(kind),
        around_(std::move(around)),
        album_(boolean_of(call_->body, "album", false)) {}
  FileRequest(const FileRequest&) = delete;
  FileRequest& operator=(const FileRequest&) = delete;
  ~FileRequest() {
    for (const File& file : files_)
      if (file.ready && file.ready->upload) services_->ports.vault->drop(*file.ready->upload);
  }

  void begin() {
    if (refuses_field_of_others(call_, schema_)) return;  // before anything is fetched
    auto wanted = wanted_files(call_);
    if (auto* failed = std::get_if<Failure>(&wanted)) return call_->failure(*failed);
    for (WantedFile& one : std::get<0>(wanted)) {
      if (!one.at.empty()) {
        for (const char* field : {"chatId", "album", "viewOnce", "messageId", "quotedMessageId", "mentions",
                                  "mentionAll", "sendAt", "expiresAt", "priority"})
          if (one.said->if_contains(field))
            return refuse_field(call_, one.at + field, "is said of the request, for all of its files");
        if (says(*one.said, "type") && !album_)
          return refuse_field(call_, one.at + "type", "is for albums (album: true): several files are of one type");
        if (const char* field = misplaced(*one.said, kind_)) return refuse(one.at + field);
        if (says(*one.said, "mimetype") && kind_ != MessageKind::document) return refuse(one.at + "mimetype");
        if (files_.empty() && says(*one.said, "caption") && says(call_->body, "caption"))
          return refuse_field(call_, one.at + "caption", "must not stand beside caption");
      }
      File file;
      file.wish = wish_of(one);
      if (!one.at.empty()) file.wish.kind = kind_in_album(text_of(*one.said, "type"));
      file.came = std::holds_alternative<TakenFile>(one.source);
      file.wanted = std::move(one);
      files_.push_back(std::move(file));
    }
    if (const char* field = misplaced(call_->body, kind_)) return refuse(field);
    if (album_ && files_.size() < 2) return refuse_field(call_, "album", "takes at least two files");
    if (album_ && says(call_->body, "viewOnce"))
      return refuse_field(call_, "viewOnce", "must not stand beside album: what is seen once stands alone");
    go_on();
  }

 private:
  struct File {
    WantedFile wanted;
    MediaWish wish;
    std::optional<sessions::SendMedia> ready;
    bool came = false;  // in the body
    std::string hash;   // of what came
  };

  void refuse(const std::string& field) {
    refuse_field(call_, field, fmt::format("is not taken by a message of type {}", protocol::name(kind_)));
  }

  MessageKind kind_in_album(std::string_view type) const {
    return type == "image" ? MessageKind::image : type == "video" ? MessageKind::video : kind_;
  }

  MediaWish wish_of(const WantedFile& file) const {
    MediaWish wish;
    wish.kind = kind_;
    wish.caption = text_of(*file.said, "caption");
    if (files_.empty() && wish.caption.empty()) wish.caption = text_of(call_->body, "caption");
    if (!files_.empty() && file.at.empty()) wish.caption.clear();  // that of the body is the first one's
    wish.file_name = text_of(*file.said, "filename");
    wish.mimetype = text_of(*file.said, "mimetype");
    wish.view_once = boolean_of(call_->body, "viewOnce", false);
    return wish;
  }

  /// What came in the body first: its content is part of what the request is looked up by.
  void go_on() {
    const auto next = [&](auto wanted) {
      return std::find_if(files_.begin(), files_.end(), [&](const File& file) { return !file.ready && wanted(file); });
    };
    if (const auto came = next([](const File& file) { return file.came; }); came != files_.end()) return get(*came);
    const auto elsewhere = next([](const File&) { return true; });
    if (elsewhere == files_.end()) return send();
    if (std::exchange(looked_up_, true)) return get(*elsewhere);
    find_earlier(services_, call_, schema_, messages(), content_hash(), [self = shared_from_this()] { self->go_on(); });
  }

  void get(File& file) {
    open_source(services_, call_, file.wish.kind, std::move(file.wanted),
                [self = shared_from_this(), &file](MediaSource source) { self->on_source(file, std::move(source)); });
  }

  void on_source(File& file, MediaSource source) {
    if (auto* failed = std::get_if<Failure>(&source)) return call_->failure(*failed);
    if (auto* stored = std::get_if<sessions::StoredMedia>(&source)) {
      file.ready = announced_again(std::move(*stored), file.wish);
      return go_on();
    }
    services_->preparations->prepare(std::move(std::get<TakenFile>(source)), file.wish,
                                     [self = shared_from_this(), &file](Preparation prepared) {
                                       run_guarded(self->call_, [&] { self->on_prepared(file, std::move(prepared)); });
                                     });
  }

  void on_prepared(File& file, Preparation prepared) {
    if (auto* failed = std::get_if<Failure>(&prepared)) return call_->failure(*failed);
    auto& ready = std::get<PreparedMedia>(prepared);
    file.ready = std::move(ready.message);
    if (file.came) file.hash = std::move(ready.source_hash);
    go_on();
  }

  /// What stands before the pictures of an album. The quote is its own, mentions are of the first caption.
  sessions::SendMessage album_head(sessions::SendMessage head) const {
    protocol::Album album;
    for (const File& file : files_) ++(file.wish.kind == MessageKind::video ? album.videos : album.images);
    head.content = album;
    head.mentions.clear();
    head.mention_all = false;
    return head;
  }

  /// Of what is not ready yet the text alone.
  std::vector<sessions::SendMessage> messages() const {
    std::vector<sessions::SendMessage> out;
    sessions::SendMessage first = around_;
    if (album_) {
      out.push_back(album_head(first));
      first.quoted_id.reset();
    }
    for (const File& file : files_) {
      sessions::SendMessage message;
      if (&file == &files_.front()) message = first;
      else message.chat = first.chat;
      sessions::SendMedia media;
      media.content.caption = file.wish.caption;
      message.content = file.ready.value_or(std::move(media));
      out.push_back(std::move(message));
    }
    return out;
  }

  std::string content_hash() const {
    std::vector<std::string_view> hashes;
    for (const File& file : files_)
      if (!file.hash.empty()) hashes.push_back(file.hash);
    return fmt::format("{}", fmt::join(hashes, ","));
  }

  void send() {
    auto all = messages();
    const std::string hash = content_hash();
    files_.clear();  // handed over
    send_messages(services_, call_, schema_, std::move(all), hash);
  }

  ServicesPtr services_;
  CallPtr call_;
  const Schema& schema_;
  MessageKind kind_;
  sessions::SendMessage around_;
  bool album_;
  std::vector<File> files_;  // not moved once the first is being got
  bool looked_up_ = false;
};

void send_media(const ServicesPtr& services, const CallPtr& call, const Schema& schema, MessageKind kind) {
  send_files(services, call, schema, kind, around_content(call->body));
}

}  // namespace

void send_files(const ServicesPtr& services, const CallPtr& call, const Schema& schema, MessageKind kind,
                sessions::SendMessage around) {
  const auto session = session_of(services, call);
  if (!session) return;
  if (session->jid.empty())  // before anything is fetched or converted
    return call->failure(Failure(ErrorCode::session_not_ready, "the session is not linked to a WhatsApp account"));
  if (!services->preparations) return call->failure(Failure(ErrorCode::not_implemented, "this server keeps no files"));
  std::make_shared<FileRequest>(services, call, schema, kind, std::move(around))->begin();
}

void send_image(const ServicesPtr& services, const CallPtr& call) {
  send_media(services, call, schemas::send_image, MessageKind::image);
}
void send_file(const ServicesPtr& services, const CallPtr& call) {
  send_media(services, call, schemas::send_file, MessageKind::document);
}
void send_audio(const ServicesPtr& services, const CallPtr& call) {
  send_media(services, call, schemas::send_audio, MessageKind::audio);
}
void send_voice(const ServicesPtr& services, const CallPtr& call) {
  send_media(services, call, schemas::send_voice, MessageKind::voice);
}
void send_sticker(const ServicesPtr& services, const CallPtr& call) {
  send_media(services, call, schemas::send_sticker, MessageKind::sticker);
}
void send_video(const ServicesPtr& services, const CallPtr& call) {
  const bool gif = boolean_of(call->body, "gif", false), round = boolean_of(call->body, "round", false);
  if (gif && round) return refuse_field(call, "round", "must not stand beside gif");
  send_media(services, call, schemas::send_video,
             gif     ? MessageKind::gif
             : round ? MessageKind::video_note
                     : MessageKind::video);
}

}  // namespace wharf::api
