#include "tests/sandbox/media_world.h"

#include "protocol/media/media_encryptor.h"
#include "sandbox/phone/opened_media.h"

namespace wharf::sandbox::test {

namespace {

MediaSettings settings(const std::string& directory) {
  MediaSettings out;
  out.directory = directory;
  return out;
}

}  // namespace

MediaWorld::MediaWorld(const std::string& directory)
    : store(settings(directory), clock, random, workers, network.changes()),
      media(std::make_shared<MediaHost>(
          MediaHost::Ports{store, clock, {}, {}, [](const std::function<void()>& effect) { effect(); }})) {
  media->set_hosts("media.test:7443", "");
  phones.set_media_host(media);
  Disk::watch(network);
}

MediaWorld::~MediaWorld() = default;

void MediaWorld::settle_all() {
  do settle();
  while (workers.step());
}

void MediaWorld::commit() {
  for (auto& [key, value] : network.changes().take([this](const RowKey& key) { return row(key); })) {
    if (value) rows[key] = *value;
    else rows.erase(key);
  }
}

std::optional<Bytes> MediaWorld::row(const RowKey& key) {
  if (key.kind == RowKind::media) return store.row(key);
  return Disk::row(network, phones, key);
}

void MediaWorld::load(const std::map<RowKey, Bytes>& from) {
  rows = from;
  for (const auto& [key, value] : from) {
    const auto restored = key.kind == RowKind::media ? store.restore(key, value)
                          : is_of_phones(key.kind)   ? phones.restore(key, value)
                                                     : network.restore(key, value);
    REQUIRE(restored);
  }
  network.restored();
  REQUIRE(store.restored());
  phones.restored();
}

void MediaWorld::two_phones() {
  (void)phone("15550000001", "Anna");
  (void)phone("15550000002", "Ben");
}

protocol::Result<std::string> MediaWorld::shown(const Phone& phone, const std::string& id) {
  std::optional<protocol::Result<OpenedMedia>> opened;
  phone.open_media(id, [&](protocol::Result<OpenedMedia> result) { opened = std::move(result); });
  settle_all();
  REQUIRE(opened);
  if (!*opened) return opened->error();
  std::string out = (*opened)->bytes;
  for (bool more = static_cast<bool>((*opened)->more); more;) {
    std::optional<net::BodyPiece> piece;
    (*opened)->more([&](net::BodyPiece next) { piece = std::move(next); });
    settle_all();
    REQUIRE(piece);
    REQUIRE(piece->end != net::BodyPiece::End::broken);
    out += piece->bytes;
    more = piece->end == net::BodyPiece::End::more;
  }
  CHECK(out.size() == (*opened)->size);
  return out;
}

std::string picture(std::size_t size, unsigned seed) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * 31 + i / 251 + seed) % 251);
  return out;
}

Phone::Send with_media(const std::string& to, PhoneMedia media) {
  Phone::Send send;
  send.to = to;
  send.content = std::move(media);
  return send;
}

PhoneMedia image(std::string bytes, std::string caption) {
  PhoneMedia media;
  media.kind = protocol::MessageKind::image;
  media.bytes = std::move(bytes);
  media.mimetype = "image/png";
  media.caption = std::move(caption);
  media.width = 640;
  media.height = 480;
  return media;
}

const PhoneMessage* with_id(const Phone& phone, const std::string& id) {
  for (const auto& message : phone.messages()) {
    if (message.id == id) return &message;
  }
  return nullptr;
}

std::string state_of(const Phone& phone, const std::string& id) {
  const PhoneMessage* message = with_id(phone, id);
  return message == nullptr ? "absent" : message->media ? message->media->state : "no media";
}

std::string failure_of(const Phone& phone, const std::string& id) { return with_id(phone, id)->media.value().failure; }

MediaPair::MediaPair(const std::string& directory) : MediaWorld(directory) { two_phones(); }
MediaPair::~MediaPair() = default;

std::string MediaPair::send(Phone& from, const Phone& to, PhoneMedia what) {
  const auto id = from.send(with_media(to.number(), std::move(what)));
  REQUIRE(id);
  return *id;
}

void MediaPair::until_shown(const Phone& phone, const std::string& id) {
  for (settle(); state_of(phone, id) == "absent"; settle()) REQUIRE(workers.step());
}

void MediaPair::fault(MediaFault::What what, MediaWay on, std::uint64_t bytes) {
  MediaFault rule;
  rule.what = what;
  rule.status = 503;
  rule.on = on;
  rule.host = MediaDoor::phones;
  rule.bytes = bytes;
  media->faults().set({rule});
}

UploadedFile upload(MediaWorld& world, protocol::MessageKind kind, protocol::MediaKind media_kind,
                    const std::string& bytes) {
  UploadedFile out;
  const auto key = world.random.bytes<32>();
  protocol::MediaEncryptor encryptor(key, media_kind, protocol::Sidecar::none);
  encryptor.update(protocol::as_bytes(bytes), out.encrypted);
  const auto digest = encryptor.finish(out.encrypted);
  out.content.kind = kind;
  auto& file = out.content.file;
  file.mimetype = "image/png";
  file.length = digest.file_length;
  file.sha256 = protocol::to_bytes(digest.file_sha256);
  file.enc_sha256 = protocol::to_bytes(digest.file_enc_sha256);
  file.key = protocol::to_bytes(key);
  std::optional<MediaFile> kept;
  world.store.put("image", std::string(protocol::as_text(out.encrypted)),
                  [&](protocol::Result<MediaFile> result) { kept = result.value(); });
  world.settle_all();
  file.direct_path = kept.value().direct_path();
  file.url = world.media->url_of(*kept);
  return out;
}

}  // namespace wharf::sandbox::test
