// Earlier forms of run.yaml as trees of the newest form.
//
//   launch (0.0.36-0.0.40)   apis_to_serve, api_providers, routing_table
//   0.0.53                   docker_image, conda_env, metadata_store, models, memory_banks, ...
//   0.2.x                    image_name, inference_store, vector_dbs, kvstore in providers, ...
#ifndef CRIA_STACK_CONFIG_FORMS_H_
#define CRIA_STACK_CONFIG_FORMS_H_

#include "stack/config_fields.h"

namespace cria::stack {

// Rewrites `root`, in which variables have their values already. Keys of the newest form, and
// unknown ones, stay as they are; moved parts keep the line and the path at which they stood.
// Mistakes go to `context`.
void Modernise(YamlNode* root, ReadContext& context);

}  // namespace cria::stack

#endif  // CRIA_STACK_CONFIG_FORMS_H_
