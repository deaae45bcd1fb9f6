#include "sandbox/phone/file_reading.h"

#include <utility>

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

Result<FileReading::Piece> FileReading::decrypted(net::BodyPiece piece) {
  using End = net::BodyPiece::End;
  if (piece.end == End::broken) return Error(Errc::storage, "the transfer of the file broke off");
  Piece out;
  decryptor_.update(protocol::as_bytes(piece.bytes), out.plain);
  out.encrypted = std::move(piece.bytes);
  out.last = piece.end == End::last;
  if (!out.last) return out;
  if (const auto verified = decryptor_.finish(out.plain); !verified) return verified.error();
  return out;
}

void FileReading::next(Give give) {
  body_->next([self = shared_from_this(), give = std::move(give)](net::BodyPiece piece) {
    if (!self->cancelled_) give(self->decrypted(std::move(piece)));
  });
}

void FileReading::run(std::function<void(Piece)> take, std::function<void(Result<void>)> done) {
  next([self = shared_from_this(), take = std::move(take), done = std::move(done)](Result<Piece> piece) {
    if (!piece) return done(piece.error());
    const bool last = piece->last;
    take(std::move(*piece));
    if (self->cancelled_) return;
    if (last) return done({});
    self->run(take, done);
  });
}

}  // namespace wharf::sandbox
