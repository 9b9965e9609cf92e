# Language level, warnings, sanitizers, and the faster compiler cache and linker where they are installed.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CRIA_CCACHE ccache)
if(CRIA_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CRIA_CCACHE})
endif()
find_program(CRIA_MOLD mold)
if(CRIA_MOLD AND NOT CMAKE_CROSSCOMPILING)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion)
if(CRIA_WERROR)
  add_compile_options(-Werror)
endif()
# Floating point as written: no re-association, and no contraction to FMA behind the source's back, so that the
# reference kernels mean the same on every machine.
add_compile_options(-ffp-contract=off)

if(CRIA_SANITIZE)
  add_compile_options(-fsanitize=${CRIA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CRIA_SANITIZE})
endif()
