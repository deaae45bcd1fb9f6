#include "api/examples.h"

#include "api/schemas.h"

namespace wharf::api {
namespace {

namespace s = schemas;

// The smallest files that are what they say: a dot, a breath of Opus, the heads of a song and of a video.
#define WHARF_PNG "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
#define WHARF_OGG                                                                                                \
  "T2dnUwACAAAAAAAAAAAHAAAAAAAAAIELNS8BE09wdXNIZWFkAQE4AYC7AAAAAABPZ2dTAAAAAAAAAAAAAAcAAAABAAAATPgeyAERT3B1c1Rh" \
  "Z3MBAAAAdwAAAABPZ2dTAASABwAAAAAAAAcAAAACAAAAkTlBSQED+P/+"
#define WHARF_MP3 "SUQzAwAAAAAAAP/7kGQAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define WHARF_MP4 "AAAAGGZ0eXBtcDQyAAAAAG1wNDJpc29t"
#define WHARF_CHAT R"("chatId":"15550000002@c.us")"

// clang-format off
constexpr Example table[] = {
    {&s::send_text, "text", "{" WHARF_CHAT R"(,"content":"Hello, World!"})"},
    {&s::send_text, "fetched preview", "{" WHARF_CHAT R"(,"content":"see https://example.org/news","linkPreview":true})"},
    {&s::send_location, "location", "{" WHARF_CHAT R"(,"latitude":52.52,"longitude":13.405,"name":"Berlin","address":"Alexanderplatz"})"},
    {&s::send_contact, "contact", "{" WHARF_CHAT R"(,"contacts":[{"name":"Carl","phone":"+1 555 000 0003","organization":"Wharf"}]})"},
    {&s::send_poll, "poll", "{" WHARF_CHAT R"(,"name":"Tea?","options":["yes","no"]})"},
    {&s::create_group, "group", R"({"name":"My Group","participants":["15550000002@c.us"],"description":"Optional group description"})"},
    {&s::create_group, "settings", R"({"name":"News","participants":["+1 555 000 0002"],"announce":true,"memberAddMode":"admins","disappearing":604800})"},
    {&s::update_group, "name", R"({"name":"Another name"})"},
    {&s::update_group, "settings", R"({"description":null,"announce":true,"joinApproval":false})"},
    {&s::set_picture, "data URL", R"({"data":"data:image/png;base64,)" WHARF_PNG R"("})"},
    {&s::set_picture, "url", R"({"url":"https://files.example/picture.png"})"},
    {&s::group_people, "people", R"({"participants":["15550000002@c.us"]})"},
    {&s::join_group, "link (made up: WhatsApp knows no such group)", R"({"link":"https://chat.whatsapp.com/ABCDEFGHIJKLMNOPQRSTUV"})"},
    {&s::decide_requests, "requests", R"({"approve":["15550000002@c.us"],"reject":["15550000003@c.us"]})"},
    {&s::linked_groups, "groups", R"({"groups":["120363000000000002@g.us"]})"},
    {&s::send_event, "event", "{" WHARF_CHAT R"(,"name":"Picnic","startTime":1795900000,"endTime":1795907200,"locationName":"The park"})"},
    {&s::send_group_invite, "group invite", "{" WHARF_CHAT R"(,"groupId":"120363000000000001@g.us","code":"ABCDEFGHIJKLMNOPQRSTUV","groupName":"The team","caption":"Join us"})"},

    {&s::send_image, "data URL", "{" WHARF_CHAT R"(,"data":"data:image/png;base64,)" WHARF_PNG R"(","filename":"dot.png","caption":"A dot"})"},
    {&s::send_image, "base64", "{" WHARF_CHAT R"(,"data":")" WHARF_PNG R"(","viewOnce":true})"},
    {&s::send_image, "url", "{" WHARF_CHAT R"(,"url":"https://files.example/picture.png","caption":"Fetched"})"},
    {&s::send_image, "stored message", "{" WHARF_CHAT R"(,"mediaMessageId":"3EB0C431C26A1916E07A","caption":"Once more"})"},
    {&s::send_image, "several", "{" WHARF_CHAT R"(,"caption":"Two dots","files":[{"data":"data:image/png;base64,)" WHARF_PNG R"("},{"url":"https://files.example/picture.png"}]})"},
    {&s::send_image, "album", "{" WHARF_CHAT R"(,"album":true,"files":[{"data":"data:image/png;base64,)" WHARF_PNG R"("},{"url":"https://files.example/picture.png","caption":"The second"}]})"},
    {&s::send_file, "data URL", "{" WHARF_CHAT R"(,"data":"data:text/plain;base64,SGVsbG8=","filename":"hello.txt","caption":"A text"})"},
    {&s::send_file, "url", "{" WHARF_CHAT R"(,"url":"https://files.example/picture.png","filename":"picture.png","mimetype":"image/png"})"},
    {&s::send_file, "stored message", "{" WHARF_CHAT R"(,"mediaMessageId":"3EB0C431C26A1916E07A"})"},
    {&s::send_file, "several", "{" WHARF_CHAT R"(,"files":[{"data":"SGVsbG8=","filename":"hello.txt","caption":"The first"},{"mediaMessageId":"3EB0C431C26A1916E07A","filename":"dot.png"}]})"},
    {&s::send_audio, "data URL", "{" WHARF_CHAT R"(,"data":"data:audio/mpeg;base64,)" WHARF_MP3 R"(","filename":"song.mp3"})"},
    {&s::send_voice, "data URL", "{" WHARF_CHAT R"(,"data":"data:audio/ogg;base64,)" WHARF_OGG R"("})"},
    {&s::send_video, "data URL", "{" WHARF_CHAT R"(,"data":"data:video/mp4;base64,)" WHARF_MP4 R"(","caption":"A film"})"},
    {&s::send_video, "GIF", "{" WHARF_CHAT R"(,"data":")" WHARF_MP4 R"(","gif":true})"},
    {&s::send_video, "round", "{" WHARF_CHAT R"(,"data":")" WHARF_MP4 R"(","round":true})"},
    {&s::send_sticker, "data URL", "{" WHARF_CHAT R"(,"data":"data:image/png;base64,)" WHARF_PNG R"("})"},

    {&s::send_any, "text", R"({"type":"text",)" WHARF_CHAT R"(,"content":"Hello, World!"})"},
    {&s::send_any, "location", R"({"type":"location",)" WHARF_CHAT R"(,"latitude":52.52,"longitude":13.405})"},
    {&s::send_any, "contact", R"({"type":"contact",)" WHARF_CHAT R"(,"contacts":[{"name":"Carl","phone":"+1 555 000 0003"}]})"},
    {&s::send_any, "poll", R"({"type":"poll",)" WHARF_CHAT R"(,"name":"Tea?","options":["yes","no","later"],"multipleAnswers":true})"},
    {&s::send_any, "event", R"({"type":"event",)" WHARF_CHAT R"(,"name":"Picnic","startTime":1795900000})"},
    {&s::send_any, "group_invite", R"({"type":"group_invite",)" WHARF_CHAT R"(,"groupId":"120363000000000001@g.us","code":"ABCDEFGHIJKLMNOPQRSTUV","groupName":"The team","inviteExpiresAt":"2030-01-01T00:00:00Z"})"},
    {&s::send_any, "image", R"({"type":"image",)" WHARF_CHAT R"(,"data":"data:image/png;base64,)" WHARF_PNG R"("})"},
    {&s::send_any, "image album", R"({"type":"image",)" WHARF_CHAT R"(,"album":true,"files":[{"data":")" WHARF_PNG R"("},{"data":")" WHARF_MP4 R"(","type":"video"}]})"},
    {&s::send_any, "image url", R"({"type":"image",)" WHARF_CHAT R"(,"url":"https://files.example/picture.png"})"},
    {&s::send_any, "document", R"({"type":"document",)" WHARF_CHAT R"(,"data":"SGVsbG8=","filename":"hello.txt","mimetype":"text/plain"})"},
    {&s::send_any, "document several", R"({"type":"document",)" WHARF_CHAT R"(,"files":[{"data":"SGVsbG8=","filename":"a.txt"},{"url":"https://files.example/picture.png"}]})"},
    {&s::send_any, "audio", R"({"type":"audio",)" WHARF_CHAT R"(,"data":")" WHARF_MP3 R"("})"},
    {&s::send_any, "voice", R"({"type":"voice",)" WHARF_CHAT R"(,"data":")" WHARF_OGG R"("})"},
    {&s::send_any, "video", R"({"type":"video",)" WHARF_CHAT R"(,"data":")" WHARF_MP4 R"("})"},
    {&s::send_any, "gif", R"({"type":"gif",)" WHARF_CHAT R"(,"data":")" WHARF_MP4 R"("})"},
    {&s::send_any, "sticker", R"({"type":"sticker",)" WHARF_CHAT R"(,"mediaMessageId":"3EB0C431C26A1916E07A"})"},

    {&s::post_status, "text", R"({"type":"text","content":"Open until eight","backgroundColor":"#1F7AEC","font":2})"},
    {&s::post_status, "to some", R"({"type":"text","content":"For the two of you","audience":["15550000002@c.us","15550000003@c.us"]})"},
    {&s::post_status, "image", R"({"type":"image","url":"https://files.example/picture.png","caption":"New in"})"},
    {&s::send_broadcast, "to two", R"({"recipients":["15550000002@c.us","+1 555 000 0003"],"content":"We open at eight"})"},
    {&s::forward, "any message", "{" WHARF_CHAT R"(,"messageId":"3EB0C431C26A1916E07A"})"},
    {&s::react, "reaction", R"({"emoji":"👍"})"},
    {&s::edit_message, "edit", R"({"content":"Hi there"})"},
    {&s::vote, "vote", R"({"options":["yes"]})"},
    {&s::answer_event, "answer", R"({"response":"going"})"},
    {&s::set_disappearing, "a day", R"({"seconds":86400})"},
    {&s::pin_message, "pin", R"({"duration":"24h"})"},
    {&s::set_presence, "writing", R"({"state":"composing"})"},
    {&s::star_message, "star", R"({"starred":true})"},

    {&s::check_numbers, "numbers", R"({"numbers":["+1 555 000 0002","15550000003@c.us"]})"},
    {&s::change_excluded, "hidden from one", R"({"setting":"lastSeen","add":["15550000002@c.us"]})"},
    {&s::update_privacy, "hidden", R"({"lastSeen":"none","online":"matchLastSeen","readReceipts":"all"})"},
    {&s::set_about, "about", R"({"about":"At work"})"},
    {&s::set_own_name, "name", R"({"name":"Harbour office"})"},
    {&s::save_contact, "saved", R"({"fullName":"Ben Baker","firstName":"Ben"})"},
    {&s::set_default_timer, "a week", R"({"seconds":604800})"},
    {&s::show_presence, "offline", R"({"presence":"unavailable"})"},

    {&s::create_channel, "channel", R"({"name":"News","description":"What happens here"})"},
    {&s::update_channel, "name", R"({"name":"Old news","reactionCodes":"basic"})"},
    {&s::post_in_channel, "text", R"({"content":"Hello, followers!"})"},
    {&s::view_posts, "posts", R"({"serverIds":["101","102"]})"},

    {&s::create_session, "scanned", R"({"sessionId":"support","waitForQR":true,"config":{"qrTimeout":120},"metadata":{"team":"sales"}})"},
    {&s::update_session, "files unasked", R"({"config":{"autoDownload":{"types":["image","voice"],"maxBytes":5000000}}})"},
    {&s::update_session, "statuses told", R"({"config":{"statuses":true}})"},
    {&s::update_session, "shown as offline", R"({"config":{"presence":"unavailable"}})"},
    {&s::update_session, "calls rejected", R"({"config":{"calls":{"reject":true,"rejectText":"Please write."}}})"},
    {&s::update_session, "metadata", R"({"metadata":{"team":"sales"}})"},
    {&s::pairing_code_request, "number", R"({"phone":"15550000009"})"},
    {&s::register_webhook, "messages", R"({"url":"https://files.example/hook","events":["message","message.*"],"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})"},
    {&s::update_webhook, "events", R"({"events":["*"],"headers":{"X-Tenant":"sales"}})"},
};
// clang-format on

#undef WHARF_PNG
#undef WHARF_OGG
#undef WHARF_MP3
#undef WHARF_MP4
#undef WHARF_CHAT

}  // namespace

std::span<const Example> examples() { return table; }

}  // namespace wharf::api
