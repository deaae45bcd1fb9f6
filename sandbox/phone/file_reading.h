#pragma once
// One encrypted file, read to its end in pieces and decrypted on the way, in constant memory. NOTHING OF THE PLAIN
// BYTES MAY BE BELIEVED BEFORE THE LAST PIECE CAME: it is the one that proves them (media_decryptor.h). Loop thread
// only.

#include <functional>
#include <memory>

#include "protocol/media/media_decryptor.h"
#include "protocol/result.h"
#include "sandbox/media/media_download.h"

namespace wharf::sandbox {

/// Alive while a piece is on its way.
class FileReading : public std::enable_shared_from_this<FileReading> {
 public:
  struct Piece {
    std::string encrypted;
    protocol::Bytes plain;
    bool last = false;  // the file is what the message says
  };
  using Give = std::function<void(protocol::Result<Piece>)>;

  FileReading(std::shared_ptr<MediaDownloadBody> body, const protocol::MediaReference& reference,
              protocol::MediaKind kind)
      : body_(std::move(body)), decryptor_(reference, kind) {}

  /// Calls back once, inside the call or later. Errors: storage (the file cannot be read, or the transfer broke off);
  /// those of MediaDecryptor::finish(). Nothing follows an error or the last piece.
  void next(Give give);
  /// All of it: `take` gets each piece, `done` the outcome.
  void run(std::function<void(Piece)> take, std::function<void(protocol::Result<void>)> done);
  /// No callback comes any more.
  void cancel() { cancelled_ = true; }

 private:
  protocol::Result<Piece> decrypted(net::BodyPiece piece);

  std::shared_ptr<MediaDownloadBody> body_;
  protocol::MediaDecryptor decryptor_;
  bool cancelled_ = false;
};

}  // namespace wharf::sandbox
