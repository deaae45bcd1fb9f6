#pragma once
// Texts with what is shown of an address in them: new ones and edits. A preview is given by whoever sends the text
// (`preview`), or fetched before the text is accepted (`linkPreview`, api/link_preview.h). Nothing that fails to be
// fetched keeps a text from being sent: the answer says why in `noPreview`.

#include "api/sending.h"

namespace wharf::api {

/// Sends a text or an edit with the preview that the body asks for, if it asks for one. `schema`: what the body was
/// validated against. Answers 400 for a preview that is not of the text.
void send_previewed(const ServicesPtr& services, const CallPtr& call, const Schema& schema,
                    sessions::SendMessage message);

}  // namespace wharf::api
