#include "tests/protocol/signal/oracle/libsignal_peer.h"

#include <signal/curve.h>
#include <signal/key_helper.h>
#include <signal/protocol.h>
#include <signal/ratchet.h>
#include <signal/session_builder.h>
#include <signal/session_cipher.h>
#include <signal/session_pre_key.h>
#include <signal/signal_protocol.h>

#include "tests/protocol/signal/oracle/libsignal_library.h"

namespace wharf::test {

using protocol::Bytes;
using protocol::ByteView;
using protocol::Ciphertext;
using protocol::CiphertextKind;
using protocol::PreKeyBundle;
using protocol::PreKeyId;
using protocol::PublicKey;

const int LibsignalPeer::duplicate_message = SG_ERR_DUPLICATE_MESSAGE;
const int LibsignalPeer::invalid_key = SG_ERR_INVALID_KEY;

namespace {

// --- the stores, in memory and for one remote address ---

struct Stored {
  Bytes identity_public, identity_private;
  std::uint32_t registration_id = 0;
  std::map<PreKeyId, Bytes> one_time;
  std::map<PreKeyId, Bytes> signed_pre_keys;
  Bytes session;
};
Stored& stored(void* user) { return *static_cast<Stored*>(user); }

int load_key(const std::map<PreKeyId, Bytes>& keys, signal_buffer** record, PreKeyId id) {
  const auto found = keys.find(id);
  if (found == keys.end()) return SG_ERR_INVALID_KEY_ID;
  *record = to_buffer(found->second);
  return SG_SUCCESS;
}

signal_protocol_session_store session_store(Stored& data) {
  signal_protocol_session_store store{};
  store.load_session_func = [](signal_buffer** record, signal_buffer**, const signal_protocol_address*, void* user) {
    if (stored(user).session.empty()) return 0;
    *record = to_buffer(stored(user).session);
    return 1;
  };
  store.get_sub_device_sessions_func = [](signal_int_list**, const char*, std::size_t, void*) {
    return SG_ERR_UNKNOWN;
  };
  store.store_session_func = [](const signal_protocol_address*, std::uint8_t* record, std::size_t length, std::uint8_t*,
                                std::size_t, void* user) {
    stored(user).session.assign(record, record + length);
    return 0;
  };
  store.contains_session_func = [](const signal_protocol_address*, void* user) {
    return stored(user).session.empty() ? 0 : 1;
  };
  store.delete_session_func = [](const signal_protocol_address*, void* user) {
    stored(user).session.clear();
    return 1;
  };
  store.delete_all_sessions_func = [](const char*, std::size_t, void*) { return SG_ERR_UNKNOWN; };
  store.user_data = &data;
  return store;
}

signal_protocol_pre_key_store pre_key_store(Stored& data) {
  signal_protocol_pre_key_store store{};
  store.load_pre_key = [](signal_buffer** record, std::uint32_t id, void* user) {
    return load_key(stored(user).one_time, record, id);
  };
  store.store_pre_key = [](std::uint32_t id, std::uint8_t* record, std::size_t length, void* user) {
    stored(user).one_time[id].assign(record, record + length);
    return 0;
  };
  store.contains_pre_key = [](std::uint32_t id, void* user) {
    return static_cast<int>(stored(user).one_time.count(id));
  };
  store.remove_pre_key = [](std::uint32_t id, void* user) {
    stored(user).one_time.erase(id);
    return 0;
  };
  store.user_data = &data;
  return store;
}

signal_protocol_signed_pre_key_store signed_pre_key_store(Stored& data) {
  signal_protocol_signed_pre_key_store store{};
  store.load_signed_pre_key = [](signal_buffer** record, std::uint32_t id, void* user) {
    return load_key(stored(user).signed_pre_keys, record, id);
  };
  store.store_signed_pre_key = [](std::uint32_t id, std::uint8_t* record, std::size_t length, void* user) {
    stored(user).signed_pre_keys[id].assign(record, record + length);
    return 0;
  };
  store.contains_signed_pre_key = [](std::uint32_t id, void* user) {
    return static_cast<int>(stored(user).signed_pre_keys.count(id));
  };
  store.remove_signed_pre_key = [](std::uint32_t, void*) { return SG_ERR_UNKNOWN; };
  store.user_data = &data;
  return store;
}

signal_protocol_identity_key_store identity_store(Stored& data) {
  signal_protocol_identity_key_store store{};
  store.get_identity_key_pair = [](signal_buffer** pub, signal_buffer** secret, void* user) {
    *pub = to_buffer(stored(user).identity_public);
    *secret = to_buffer(stored(user).identity_private);
    return 0;
  };
  store.get_local_registration_id = [](void* user, std::uint32_t* id) {
    *id = stored(user).registration_id;
    return 0;
  };
  store.save_identity = [](const signal_protocol_address*, std::uint8_t*, std::size_t, void*) { return 0; };
  store.is_trusted_identity = [](const signal_protocol_address*, std::uint8_t*, std::size_t, void*) { return 1; };
  store.user_data = &data;
  return store;
}

PublicKey public_bytes(const ec_public_key* key) {
  Buffer buffer;
  check(ec_public_key_serialize(buffer.out(), key), "ec_public_key_serialize");
  return protocol::untyped(buffer.bytes()).value();
}

}  // namespace

struct LibsignalPeer::Library {
  explicit Library(std::uint64_t seed) : random(seed) {}

  protocol::SeededRandom random;
  Stored data;
  signal_context* context = nullptr;
  signal_protocol_store_context* store = nullptr;
  const signal_protocol_address remote{"peer", 4, 0};

  ~Library() {
    if (store != nullptr) signal_protocol_store_context_destroy(store);
    if (context != nullptr) signal_context_destroy(context);
  }

  void decode(Ref<ec_public_key>& key, const PublicKey& bytes) {
    const auto with_type = protocol::typed(bytes);
    check(curve_decode_point(key.out(), with_type.data(), with_type.size(), context), "curve_decode_point");
  }

  struct CipherDeleter {
    void operator()(session_cipher* cipher) const { session_cipher_free(cipher); }
  };
  std::unique_ptr<session_cipher, CipherDeleter> cipher() {
    session_cipher* made = nullptr;
    check(session_cipher_create(&made, store, &remote, context), "session_cipher_create");
    return std::unique_ptr<session_cipher, CipherDeleter>(made);
  }
};

LibsignalPeer::LibsignalPeer(std::uint64_t seed, std::uint32_t registration_id, unsigned one_time_keys)
    : library_(std::make_unique<Library>(seed)) {
  Library& lib = *library_;
  check(signal_context_create(&lib.context, nullptr), "signal_context_create");
  set_crypto_provider(lib.context, lib.random);

  check(signal_protocol_store_context_create(&lib.store, lib.context), "store_context_create");
  const auto sessions = session_store(lib.data);
  const auto pre_keys = pre_key_store(lib.data);
  const auto signed_keys = signed_pre_key_store(lib.data);
  const auto identities = identity_store(lib.data);
  check(signal_protocol_store_context_set_session_store(lib.store, &sessions), "set_session_store");
  check(signal_protocol_store_context_set_pre_key_store(lib.store, &pre_keys), "set_pre_key_store");
  check(signal_protocol_store_context_set_signed_pre_key_store(lib.store, &signed_keys), "set_signed_pre_key_store");
  check(signal_protocol_store_context_set_identity_key_store(lib.store, &identities), "set_identity_key_store");

  lib.data.registration_id = registration_id;
  Ref<ratchet_identity_key_pair> identity;
  check(signal_protocol_key_helper_generate_identity_key_pair(identity.out(), lib.context), "identity");
  Buffer pub, secret;
  check(ec_public_key_serialize(pub.out(), ratchet_identity_key_pair_get_public(identity.get())), "identity public");
  check(ec_private_key_serialize(secret.out(), ratchet_identity_key_pair_get_private(identity.get())),
        "identity secret");
  lib.data.identity_public = pub.bytes();
  lib.data.identity_private = secret.bytes();

  Ref<session_signed_pre_key> signed_pre_key;
  check(signal_protocol_key_helper_generate_signed_pre_key(signed_pre_key.out(), identity.get(), 1, 0, lib.context),
        "signed prekey");
  Buffer record;
  check(session_signed_pre_key_serialize(record.out(), signed_pre_key.get()), "signed prekey record");
  lib.data.signed_pre_keys[1] = record.bytes();

  for (PreKeyId id = 1; id <= one_time_keys; ++id) {
    Ref<ec_key_pair> pair;
    check(curve_generate_key_pair(lib.context, pair.out()), "one-time prekey");
    Ref<session_pre_key> key;
    check(session_pre_key_create(key.out(), id, pair.get()), "one-time prekey");
    Buffer key_record;
    check(session_pre_key_serialize(key_record.out(), key.get()), "one-time prekey record");
    lib.data.one_time[id] = key_record.bytes();
  }
}

LibsignalPeer::~LibsignalPeer() = default;

PreKeyBundle LibsignalPeer::bundle(PreKeyId one_time) const {
  const Library& lib = *library_;
  PreKeyBundle out;
  out.registration_id = lib.data.registration_id;
  out.identity = protocol::untyped(lib.data.identity_public).value();

  const Bytes& signed_record = lib.data.signed_pre_keys.at(1);
  Ref<session_signed_pre_key> signed_pre_key;
  check(
      session_signed_pre_key_deserialize(signed_pre_key.out(), signed_record.data(), signed_record.size(), lib.context),
      "signed prekey");
  out.signed_pre_key_id = 1;
  out.signed_pre_key = public_bytes(ec_key_pair_get_public(session_signed_pre_key_get_key_pair(signed_pre_key.get())));
  const ByteView signature(session_signed_pre_key_get_signature(signed_pre_key.get()),
                           session_signed_pre_key_get_signature_len(signed_pre_key.get()));
  out.signed_pre_key_signature = protocol::exactly<64>(signature).value();
  if (one_time == 0) return out;

  const Bytes& record = lib.data.one_time.at(one_time);
  Ref<session_pre_key> key;
  check(session_pre_key_deserialize(key.out(), record.data(), record.size(), lib.context), "one-time prekey");
  out.one_time = {one_time, public_bytes(ec_key_pair_get_public(session_pre_key_get_key_pair(key.get())))};
  return out;
}

bool LibsignalPeer::holds_one_time(PreKeyId id) const { return library_->data.one_time.count(id) != 0; }

int LibsignalPeer::start(const PreKeyBundle& bundle) {
  Library& lib = *library_;
  Ref<ec_public_key> one_time, signed_pre_key, identity;
  if (bundle.one_time) lib.decode(one_time, bundle.one_time->pub);
  lib.decode(signed_pre_key, bundle.signed_pre_key);
  lib.decode(identity, bundle.identity);
  Ref<session_pre_key_bundle> made;
  check(session_pre_key_bundle_create(made.out(), bundle.registration_id, 0, bundle.one_time ? bundle.one_time->id : 0,
                                      one_time.get(), bundle.signed_pre_key_id, signed_pre_key.get(),
                                      bundle.signed_pre_key_signature.data(), bundle.signed_pre_key_signature.size(),
                                      identity.get()),
        "session_pre_key_bundle_create");
  session_builder* builder = nullptr;
  check(session_builder_create(&builder, lib.store, &lib.remote, lib.context), "session_builder_create");
  const int code = session_builder_process_pre_key_bundle(builder, made.get());
  session_builder_free(builder);
  return code;
}

Ciphertext LibsignalPeer::encrypt(ByteView plaintext) {
  const auto cipher = library_->cipher();
  Ref<ciphertext_message> message;
  check(session_cipher_encrypt(cipher.get(), plaintext.data(), plaintext.size(), message.out()),
        "session_cipher_encrypt");
  signal_buffer* body = ciphertext_message_get_serialized(message.get());  // owned by the message
  const bool pre_key = ciphertext_message_get_type(message.get()) == CIPHERTEXT_PREKEY_TYPE;
  return {pre_key ? CiphertextKind::pre_key_message : CiphertextKind::message,
          protocol::to_bytes(ByteView(signal_buffer_const_data(body), signal_buffer_len(body)))};
}

LibsignalPeer::Outcome LibsignalPeer::decrypt(const Ciphertext& message) {
  Library& lib = *library_;
  const auto cipher = lib.cipher();
  Buffer plaintext;
  Outcome outcome;
  if (message.kind == CiphertextKind::pre_key_message) {
    Ref<pre_key_signal_message> parsed;
    outcome.code =
        pre_key_signal_message_deserialize(parsed.out(), message.body.data(), message.body.size(), lib.context);
    if (outcome.code < 0) return outcome;
    outcome.code = session_cipher_decrypt_pre_key_signal_message(cipher.get(), parsed.get(), nullptr, plaintext.out());
  } else {
    Ref<signal_message> parsed;
    outcome.code = signal_message_deserialize(parsed.out(), message.body.data(), message.body.size(), lib.context);
    if (outcome.code < 0) return outcome;
    outcome.code = session_cipher_decrypt_signal_message(cipher.get(), parsed.get(), nullptr, plaintext.out());
  }
  if (outcome.code == SG_SUCCESS) outcome.plaintext = plaintext.bytes();
  return outcome;
}

}  // namespace wharf::test
