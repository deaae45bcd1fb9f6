#include "tests/protocol/signal/oracle/libsignal_group.h"

#include <signal/group_cipher.h>
#include <signal/group_session_builder.h>
#include <signal/protocol.h>

#include <map>

#include "tests/protocol/signal/oracle/libsignal_library.h"

namespace wharf::test {

using protocol::Bytes;
using protocol::ByteView;

const int LibsignalMember::duplicate_message = SG_ERR_DUPLICATE_MESSAGE;
const int LibsignalMember::no_session = SG_ERR_NO_SESSION;
const int LibsignalMember::invalid_message = SG_ERR_INVALID_MESSAGE;

namespace {

constexpr char own_name[] = "self";
constexpr char group[] = "120363000000000001@g.us";

using Keys = std::map<std::string, Bytes>;  // serialised records by the name of their author

std::string author_of(const signal_protocol_sender_key_name* name) {
  return {name->sender.name, name->sender.name_len};
}

signal_protocol_sender_key_store key_store(Keys& keys) {
  signal_protocol_sender_key_store store{};
  store.store_sender_key = [](const signal_protocol_sender_key_name* name, std::uint8_t* record, std::size_t length,
                              std::uint8_t*, std::size_t, void* user) {
    (*static_cast<Keys*>(user))[author_of(name)].assign(record, record + length);
    return 0;
  };
  store.load_sender_key = [](signal_buffer** record, signal_buffer**, const signal_protocol_sender_key_name* name,
                             void* user) {
    const auto& held = *static_cast<Keys*>(user);
    const auto found = held.find(author_of(name));
    if (found == held.end()) return 0;
    *record = to_buffer(found->second);
    return 1;
  };
  store.user_data = &keys;
  return store;
}

signal_protocol_sender_key_name name_of(const std::string& author) {
  return {group, sizeof group - 1, {author.data(), author.size(), 1}};
}

}  // namespace

struct LibsignalMember::Library {
  explicit Library(std::uint64_t seed) : random(seed) {
    check(signal_context_create(&context, nullptr), "signal_context_create");
    set_crypto_provider(context, random);
    check(signal_protocol_store_context_create(&store, context), "store_context_create");
    const auto sender_keys = key_store(keys);
    check(signal_protocol_store_context_set_sender_key_store(store, &sender_keys), "set_sender_key_store");
    check(group_session_builder_create(&builder, store, context), "group_session_builder_create");
  }
  ~Library() {
    group_session_builder_free(builder);
    signal_protocol_store_context_destroy(store);
    signal_context_destroy(context);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  struct CipherDeleter {
    void operator()(group_cipher* cipher) const { group_cipher_free(cipher); }
  };
  std::unique_ptr<group_cipher, CipherDeleter> cipher(const signal_protocol_sender_key_name& name) {
    group_cipher* made = nullptr;
    check(group_cipher_create(&made, store, &name, context), "group_cipher_create");
    return std::unique_ptr<group_cipher, CipherDeleter>(made);
  }

  protocol::SeededRandom random;
  Keys keys;
  signal_context* context = nullptr;
  signal_protocol_store_context* store = nullptr;
  group_session_builder* builder = nullptr;
};

LibsignalMember::LibsignalMember(std::uint64_t seed) : library_(std::make_unique<Library>(seed)) {}
LibsignalMember::~LibsignalMember() = default;

Bytes LibsignalMember::distribution() {
  const std::string self = own_name;
  const auto name = name_of(self);
  Ref<sender_key_distribution_message> message;
  check(group_session_builder_create_session(library_->builder, message.out(), &name), "create_session");
  const auto* base = reinterpret_cast<const ciphertext_message*>(message.get());
  signal_buffer* body = ciphertext_message_get_serialized(base);  // owned by the message
  return protocol::to_bytes(ByteView(signal_buffer_const_data(body), signal_buffer_len(body)));
}

Bytes LibsignalMember::encrypt(ByteView plaintext) {
  const std::string self = own_name;
  const auto name = name_of(self);
  const auto cipher = library_->cipher(name);
  Ref<ciphertext_message> message;
  check(group_cipher_encrypt(cipher.get(), plaintext.data(), plaintext.size(), message.out()), "group_cipher_encrypt");
  signal_buffer* body = ciphertext_message_get_serialized(message.get());  // owned by the message
  return protocol::to_bytes(ByteView(signal_buffer_const_data(body), signal_buffer_len(body)));
}

void LibsignalMember::rotate() { library_->keys.erase(own_name); }

int LibsignalMember::process(const std::string& author, ByteView distribution) {
  const auto name = name_of(author);
  Ref<sender_key_distribution_message> message;
  const int code = sender_key_distribution_message_deserialize(message.out(), distribution.data(), distribution.size(),
                                                               library_->context);
  return code < 0 ? code : group_session_builder_process_session(library_->builder, &name, message.get());
}

LibsignalMember::Outcome LibsignalMember::decrypt(const std::string& author, ByteView body) {
  const auto name = name_of(author);
  const auto cipher = library_->cipher(name);
  Ref<sender_key_message> message;
  Outcome outcome;
  outcome.code = sender_key_message_deserialize(message.out(), body.data(), body.size(), library_->context);
  if (outcome.code < 0) return outcome;
  Buffer plaintext;
  outcome.code = group_cipher_decrypt(cipher.get(), message.get(), nullptr, plaintext.out());
  if (outcome.code == SG_SUCCESS) outcome.plaintext = plaintext.bytes();
  return outcome;
}

}  // namespace wharf::test
