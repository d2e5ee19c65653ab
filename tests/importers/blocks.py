"""The `.env` blocks of the earlier systems' documents, letter by letter, as people have them beside their programs."""

CEREBRAS_AND_OPENAI = """# Activar el router
USE_ROUTER=true

# Configuración JSON de servicios con rate limiting
ROUTER_SERVICES='[
  {
    "name": "primary-cerebras",
    "backend_type": "cerebras",
    "base_url": "https://api.cerebras.ai/v1",
    "api_key": "your_cerebras_key",
    "timeout": 60,
    "priority": 0,
    "rate_limit_requests": 100,
    "rate_limit_window": 60
  },
  {
    "name": "fallback-openai", 
    "backend_type": "openai",
    "base_url": "https://api.openai.com/v1",
    "api_key": "sk-your_openai_key",
    "timeout": 30,
    "priority": 1,
    "rate_limit_requests": 50,
    "rate_limit_window": 60
  }
]'
"""  # noqa: W291 - as the document has it

LOCAL_CEREBRAS_AND_OPENAI = """USE_ROUTER=true

ROUTER_SERVICES='[
  {
    "name": "ollama",
    "backend_type": "ollama",
    "base_url": "http://localhost:8080/v1",
    "timeout": 120,
    "priority": 0,
    "rate_limit_requests": 200,
    "rate_limit_window": 60
  },
  {
    "name": "cerebras-backup",
    "backend_type": "cerebras",
    "base_url": "https://api.cerebras.ai/v1",
    "api_key": "your_cerebras_key",
    "timeout": 60,
    "priority": 1,
    "rate_limit_requests": 100,
    "rate_limit_window": 60
  },
  {
    "name": "openai-emergency",
    "backend_type": "openai", 
    "base_url": "https://api.openai.com/v1",
    "api_key": "sk-your_openai_key",
    "timeout": 30,
    "priority": 2,
    "rate_limit_requests": 30,
    "rate_limit_window": 60
  }
]'
"""  # noqa: W291 - as the document has it

AUTO_FAILOVER = """# El router se activará automáticamente si hay múltiples APIs configuradas
CEREBRAS_API_KEY=your_cerebras_key
OPENAI_API_KEY=sk-your_openai_key

# Backend principal
BACKEND_TYPE=cerebras
"""

TESTING = """USE_ROUTER=true

# Configuración con límites muy bajos para testing
ROUTER_SERVICES='[
  {
    "name": "test-cerebras",
    "backend_type": "cerebras",
    "base_url": "https://api.cerebras.ai/v1",
    "api_key": "your_key",
    "timeout": 60,
    "priority": 0,
    "rate_limit_requests": 3,
    "rate_limit_window": 30
  },
  {
    "name": "test-backup",
    "backend_type": "cerebras",
    "base_url": "https://api.cerebras.ai/v1",
    "api_key": "your_key",
    "timeout": 30,
    "priority": 1,
    "rate_limit_requests": 2,
    "rate_limit_window": 20
  }
]'
"""

TIMEOUTS = """USE_ROUTER=true

ROUTER_SERVICES='[
  {
    "name": "fast-service",
    "backend_type": "cerebras",
    "base_url": "https://api.cerebras.ai/v1",
    "api_key": "key1",
    "timeout": 15,
    "priority": 0,
    "rate_limit_requests": 500,
    "rate_limit_window": 60
  },
  {
    "name": "slow-reliable",
    "backend_type": "openai",
    "base_url": "https://api.openai.com/v1", 
    "api_key": "key2",
    "timeout": 90,
    "priority": 1,
    "rate_limit_requests": 100,
    "rate_limit_window": 60
  }
]'
"""  # noqa: W291 - as the document has it

SEVERAL_ACCOUNTS = """USE_ROUTER=true

ROUTER_SERVICES='[
  {
    "name": "cerebras-primary",
    "backend_type": "cerebras",
    "base_url": "https://api.cerebras.ai/v1",
    "api_key": "key1",
    "priority": 0
  },
  {
    "name": "cerebras-secondary",
    "backend_type": "cerebras", 
    "base_url": "https://api.cerebras.ai/v1",
    "api_key": "key2",
    "priority": 1
  }
]'
"""  # noqa: W291 - as the document has it

PRODUCTION_LIMITS = """"rate_limit_requests": 1000,
"rate_limit_window": 60
"""

STRICT_LIMITS = """"rate_limit_requests": 100,
"rate_limit_window": 60  
"""  # noqa: W291 - as the document has it

TESTING_LIMITS = """"rate_limit_requests": 5,
"rate_limit_window": 30
"""

CATEGORY_ROUTER = """# Option 1: OpenRouter (recommandé, accès à tous les modèles)
OPENROUTER_API_KEY=sk-or-v1-votre-cle

# Option 2: OpenAI direct
OPENAI_API_KEY=sk-votre-cle-openai

# Option 3: Anthropic
ANTHROPIC_API_KEY=sk-ant-votre-cle

# Option 4: Google
GOOGLE_API_KEY=votre-cle-google

# Option 5: Ollama local (gratuit)
OLLAMA_BASE_URL=http://localhost:11434
"""

LLM_API_GATEWAY = """OPENAI_API_KEY=sk-xxxx
ANTHROPIC_API_KEY=sk-ant-xxxx
MISTRAL_API_KEY=xxxx
COHERE_API_KEY=xxxx
DEEPSEEK_API_KEY=xxxx
XAI_API_KEY=xxxx
GOOGLE_API_KEY=xxxx
QWEN_API_KEY=xxxx
AI21_API_KEY=xxxx
PERPLEXITY_API_KEY=pplx-xxxx
DEEPINFRA_API_KEY=xxxx
"""

OVHCLOUD_PROXY = """# Token principal
OVH_TOKEN_ENDPOINT="votre_token_ovh"
"""

ALTERNATIVES = """{
  "alternative_endpoints": {
    "mistral-7b-instruct-v0.3": [
      "https://mistral-7b-instruct-v0-3.endpoints.alternative1.ai.cloud.ovh.net",
      "https://mistral-7b-instruct-v0-3.endpoints.alternative2.ai.cloud.ovh.net"
    ],
    "mixtral-8x7b-instruct-v0.1": [
      "https://mixtral-8x7b-instruct-v01.endpoints.alternative1.ai.cloud.ovh.net"
    ]
  }
}
"""
