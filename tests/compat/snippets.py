"""Code of the LLM API gateway's document, letter by letter: curl lines, requests and programs that its users have."""

LIST = "curl -X GET http://localhost:8000/models"

SIMPLE = """curl -X POST http://localhost:8000/v1/chat/completions \\
  -H "Content-Type: application/json" \\
  -d '{
    "provider": "openai",
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "Explique-moi les LLMs simplement."}],
    "temperature": 0.7
  }'"""

# Its apostrophe (l'IA) ends the shell's quotes too early: as it stands, no shell takes this one.
STREAMED = """curl -X POST http://localhost:8000/v1/chat/completions \\
  -H "Content-Type: application/json" \\
  -d '{
    "provider": "anthropic",
    "model": "claude-3-opus-20240229",
    "messages": [{"role": "user", "content": "Écris un poème sur l'IA."}],
    "stream": true,
    "system_message": "Tu es un poète talentueux."
  }'"""

REASONED = """curl -X POST http://localhost:8000/v1/chat/completions \\
  -H "Content-Type: application/json" \\
  -d '{
    "provider": "openai",
    "model": "o1",
    "messages": [{"role": "user", "content": "Résous ce problème mathématique: Si 3x + 7 = 22, que vaut x?"}],
    "reasoning_effort": "high"
  }'"""

COMPLETE = r"""{
  "provider": "mistral",             // 🌐 Fournisseur LLM (obligatoire)
  "model": "mistral-large-latest",   // 🤖 Modèle spécifique (obligatoire)
  "messages": [                      // 💬 Historique de conversation (obligatoire)
    {"role": "user", "content": "Bonjour, comment ça va?"}
  ],
  "temperature": 0.7,                // 🌡️ Contrôle créativité (0.0-1.0)
  "stream": false,                   // 🌊 Mode streaming (true/false)
  "max_tokens": 1024,                // 📏 Longueur max de réponse
  "system_message": "Tu es un assistant français.", // 🧩 Message système
  "stop": ["\n\n", "Fin:"],          // 🛑 Séquences d'arrêt
  "top_p": 1.0,                      // 📈 Sampling de top-p
  "frequency_penalty": 0.0,          // 🔄 Pénalité répétitions
  "presence_penalty": 0.0,           // 📝 Pénalité présence
  "response_format": {"type": "text"}, // 📄 Format de réponse
  "reasoning_effort": null           // 🧠 Pour modèles OpenAI spéciaux
}"""

IMAGE = """{
  "provider": "openai",
  "model": "gpt-4o",
  "messages": [
    {
      "role": "user",
      "content": [
        {"type": "text", "text": "Que vois-tu sur cette image?"},
        {
          "type": "image_url",
          "image_url": {
            "url": "https://example.com/image.jpg"
          }
        }
      ]
    }
  ]
}"""

JSON_ANSWER = """{
  "provider": "openai",
  "model": "gpt-4o",
  "messages": [{"role": "user", "content": "Liste 3 fruits avec leurs caractéristiques"}],
  "response_format": {"type": "json_object"}
}"""

FAILOVER = """providers_priority = ["openai", "anthropic", "mistral"]
models_priority = {
    "openai": "gpt-4o",
    "anthropic": "claude-3-opus-20240229",
    "mistral": "mistral-large-latest"
}

for provider in providers_priority:
    try:
        response = requests.post(
            "http://localhost:8000/v1/chat/completions",
            json={
                "provider": provider,
                "model": models_priority[provider],
                "messages": [{"role": "user", "content": "Explique l'IA quantique"}]
            }
        )
        if response.status_code == 200:
            print(f"Succès avec {provider}/{models_priority[provider]}")
            print(response.json())
            break
    except Exception as e:
        print(f"Échec avec {provider}: {str(e)}")
"""

COMPARISON = """test_prompt = "Explique la théorie de la relativité simplement."
models_to_test = [
    {"provider": "openai", "model": "gpt-4o"},
    {"provider": "anthropic", "model": "claude-3-5-sonnet-20241022"},
    {"provider": "mistral", "model": "mistral-large-latest"},
    {"provider": "google", "model": "gemini-1.5-pro"}
]

results = {}
for model_info in models_to_test:
    provider = model_info["provider"]
    model = model_info["model"]
    
    start_time = time.time()
    response = requests.post(
        "http://localhost:8000/v1/chat/completions",
        json={
            "provider": provider,
            "model": model,
            "messages": [{"role": "user", "content": test_prompt}]
        }
    )
    end_time = time.time()
    
    if response.status_code == 200:
        data = response.json()
        content = data["choices"][0]["message"]["content"]
        latency = end_time - start_time
        tokens = data.get("usage", {}).get("completion_tokens", 0)
        
        results[f"{provider}/{model}"] = {
            "latency": latency,
            "tokens": tokens,
            "content": content[:100] + "..." # Afficher seulement le début
        }

# Afficher les résultats
for model_name, result in results.items():
    print(f"📊 {model_name}:")
    print(f"⏱️ Latence: {result['latency']:.2f}s")
    print(f"🔢 Tokens: {result['tokens']}")
    print(f"📝 Début: {result['content']}")
    print("---")
"""  # noqa: W293 - as the document has it

SUMMARY = """=== RÉSUMÉ DES TESTS NON-STREAMING ===
openai/gpt-4o: ✅ Succès
anthropic/claude-3-5-sonnet-20241022: ✅ Succès
mistral/mistral-large-latest: ✅ Succès
cohere/c4ai-aya-expanse-32b: ✅ Succès
"""
